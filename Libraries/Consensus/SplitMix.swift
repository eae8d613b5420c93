/// Random numbers that a seed determines (SplitMix64).
struct SplitMix: RandomNumberGenerator, Sendable {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var value = state
        value = (value ^ value >> 30) &* 0xbf58_476d_1ce4_e5b9
        value = (value ^ value >> 27) &* 0x94d0_49bb_1331_11eb
        return value ^ value >> 31
    }

    mutating func span(in range: ClosedRange<BootSpan>) -> BootSpan {
        let bounds = range.lowerBound.nanoseconds...range.upperBound.nanoseconds
        return BootSpan(nanoseconds: .random(in: bounds, using: &self))
    }
}
