import Wire

/// Sixteen secret bytes: an AES-128 key. Not shown in descriptions, so that it does not get into a log.
@frozen
public struct SecretKey: FixedWireValue, Hashable, CustomStringConvertible {
    /// Bytes 0 ..< 8 as a little-endian integer.
    public var low: UInt64
    /// Bytes 8 ..< 16 as a little-endian integer.
    public var high: UInt64

    @inlinable
    public init(low: UInt64, high: UInt64) {
        self.low = low
        self.high = high
    }

    @inlinable public static var wireSize: Int { 16 }

    @inlinable
    public init(loading bytes: UnsafeRawPointer) {
        low = UInt64(loading: bytes)
        high = UInt64(loading: bytes + 8)
    }

    @inlinable
    public func store(to bytes: UnsafeMutableRawPointer) {
        low.store(to: bytes)
        high.store(to: bytes + 8)
    }

    public var description: String { "SecretKey(…)" }
}
