/// A time between two `BootInstant`s of one machine.
public struct BootSpan: Hashable, Comparable, Sendable {
    public let nanoseconds: UInt64

    public init(nanoseconds: UInt64) { self.nanoseconds = nanoseconds }

    public static let zero = BootSpan(nanoseconds: 0)

    public static func milliseconds(_ count: UInt64) -> BootSpan {
        BootSpan(nanoseconds: count * 1_000_000)
    }

    public static func + (left: BootSpan, right: BootSpan) -> BootSpan {
        let (sum, overflows) = left.nanoseconds.addingReportingOverflow(right.nanoseconds)
        return BootSpan(nanoseconds: overflows ? .max : sum)
    }

    /// What is left of it after `perMille` thousandths were taken away, at most all.
    func shortened(perMille: UInt64) -> BootSpan {
        BootSpan(nanoseconds: nanoseconds - nanoseconds / 1000 * min(perMille, 1000))
    }

    public static func < (left: BootSpan, right: BootSpan) -> Bool { left.nanoseconds < right.nanoseconds }
}
