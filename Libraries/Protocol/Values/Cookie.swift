import Wire

/// The eight opaque bytes that prove the right to change a transient file; see `SecretKey`.
/// Held as the little-endian integer of the bytes.
@frozen
public struct Cookie: RawWireValue, Hashable {
    public var rawValue: UInt64

    @inlinable
    public init(rawValue: UInt64) { self.rawValue = rawValue }
}
