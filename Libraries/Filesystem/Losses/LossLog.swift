/// Which of the losses that programs were told of get a line in the log: as many at once as a person reads, then a few.
/// Pure.
package struct LossLog: Sendable {
    package static let burst = 20
    package static let nanosecondsPerLine: UInt64 = 1_000_000_000

    /// Losses without a line so far; whoever says how many sets it back.
    package private(set) var omitted = 0
    private var lines = burst
    private var refilled: UInt64 = 0

    package init() {}

    /// Whether a loss at this time gets a line of its own; otherwise it is counted.
    package mutating func admits(at nanoseconds: UInt64) -> Bool {
        let earned = (nanoseconds &- refilled) / Self.nanosecondsPerLine
        if earned > 0 {
            lines = min(Self.burst, lines + Int(clamping: min(earned, UInt64(Self.burst))))
            refilled = nanoseconds
        }
        guard lines > 0 else {
            omitted += 1
            return false
        }
        lines -= 1
        return true
    }

    /// How many had no line since this was asked last.
    package mutating func takeOmitted() -> Int {
        defer { omitted = 0 }
        return omitted
    }
}
