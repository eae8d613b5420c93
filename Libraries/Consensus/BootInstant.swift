/// A moment on the clock of one machine that only runs forward, also while the machine is suspended (`CLOCK_BOOTTIME`).
/// Those of two machines cannot be compared.
public struct BootInstant: Hashable, Comparable, Sendable, CustomStringConvertible {
    /// Since the machine was started.
    public let nanoseconds: UInt64

    public init(nanoseconds: UInt64) { self.nanoseconds = nanoseconds }

    public static let zero = BootInstant(nanoseconds: 0)
    /// Later than any clock shows.
    public static let never = BootInstant(nanoseconds: .max)

    /// Beyond the end of time there is `never`.
    public static func + (instant: BootInstant, span: BootSpan) -> BootInstant {
        let (sum, overflows) = instant.nanoseconds.addingReportingOverflow(span.nanoseconds)
        return overflows ? .never : BootInstant(nanoseconds: sum)
    }

    public static func < (left: BootInstant, right: BootInstant) -> Bool { left.nanoseconds < right.nanoseconds }

    public var description: String { "\(nanoseconds / 1000) µs" }
}
