/// How the last few hundred latencies are distributed, in steps of a quarter of an octave. Old ones fade away.
package struct LatencyHistogram {
    private static let mostValues: UInt32 = 512
    /// The quartile is computed anew after so many values.
    private static let staleValues = 8

    private var counts = [UInt32](repeating: 0, count: 256)
    private var total: UInt32 = 0
    private var sinceQuartile = staleValues
    /// Three of four values are at most this; 0 without values.
    package private(set) var upperQuartile: UInt64 = 0

    package init() {}

    package mutating func add(_ nanoseconds: UInt64) {
        counts[Self.step(of: nanoseconds)] += 1
        total += 1
        if total >= Self.mostValues { fade() }
        sinceQuartile += 1
        guard sinceQuartile >= Self.staleValues else { return }
        sinceQuartile = 0
        upperQuartile = quartile()
    }

    private mutating func fade() {
        total = 0
        for step in counts.indices {
            counts[step] /= 2
            total += counts[step]
        }
    }

    private func quartile() -> UInt64 {
        var below: UInt32 = 0
        for step in counts.indices {
            below += counts[step]
            if below * 4 >= total * 3 { return Self.upperEnd(of: step) }
        }
        return 0
    }

    /// The exponent of two, and the two bits after the first one.
    private static func step(of value: UInt64) -> Int {
        guard value >= 4 else { return Int(value) }
        let exponent = 63 - value.leadingZeroBitCount
        return exponent * 4 + Int(value >> UInt64(exponent - 2) & 3)
    }

    private static func upperEnd(of step: Int) -> UInt64 {
        guard step >= 8 else { return UInt64(step) }
        let exponent = UInt64(step / 4)
        let next = UInt64(step % 4 + 5) << (exponent - 2)
        return next == 0 ? .max : next - 1
    }
}
