import Wire

/// A point in time: nanoseconds since 1970-01-01T00:00:00Z, leap seconds ignored; 0 is "unset".
@frozen
public struct Timestamp: RawWireValue, Hashable, Comparable, CustomStringConvertible {
    public var rawValue: UInt64

    @inlinable
    public init(rawValue: UInt64) { self.rawValue = rawValue }

    @inlinable
    public init(nanoseconds: UInt64) { rawValue = nanoseconds }

    /// Unset.
    public static let zero = Timestamp(rawValue: 0)

    /// Nanoseconds since the epoch. Values a service makes keep bit 63 clear.
    @inlinable public var nanoseconds: UInt64 { rawValue }

    @inlinable
    public static func < (left: Timestamp, right: Timestamp) -> Bool { left.rawValue < right.rawValue }

    /// Seconds and nanoseconds since the epoch, as in `1700000000.000000001`.
    public var description: String {
        let fraction = String(rawValue % 1_000_000_000)
        return "\(rawValue / 1_000_000_000)." + String(repeating: "0", count: 9 - fraction.count) + fraction
    }
}
