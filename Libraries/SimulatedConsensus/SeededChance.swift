/// Chance that a seed determines (SplitMix64), made for speed: what bias its ranges have does not matter here.
struct SeededChance {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var value = state
        value = (value ^ value >> 30) &* 0xbf58_476d_1ce4_e5b9
        value = (value ^ value >> 27) &* 0x94d0_49bb_1331_11eb
        return value ^ value >> 31
    }

    /// Less than `bound`, which is not 0.
    mutating func below(_ bound: UInt64) -> UInt64 { next().multipliedFullWidth(by: bound).high }

    mutating func below(_ bound: Int) -> Int { Int(below(UInt64(bound))) }

    mutating func `in`(_ range: ClosedRange<UInt64>) -> UInt64 {
        range.lowerBound + below(range.upperBound - range.lowerBound + 1)
    }

    /// True `count` times in a thousand.
    mutating func perMille(_ count: Int) -> Bool { count > 0 && below(1000) < count }

    /// One of `choices`, of which there must be some.
    mutating func pick<Choice>(_ choices: [Choice]) -> Choice { choices[below(choices.count)] }
}
