import Wire

/// The number of a block service (one disk).
@frozen
public struct BlockServiceID: RawWireValue, Hashable, Comparable, CustomStringConvertible {
    public var rawValue: UInt64

    @inlinable
    public init(rawValue: UInt64) { self.rawValue = rawValue }

    /// The number that belongs to a block service's secret key: its first eight bytes with bit 63 cleared.
    @inlinable
    public init(secretKey: SecretKey) {
        rawValue = secretKey.low & ~(1 << 63)
    }

    @inlinable
    public static func < (left: BlockServiceID, right: BlockServiceID) -> Bool { left.rawValue < right.rawValue }

    public var description: String { hexadecimal(rawValue) }
}
