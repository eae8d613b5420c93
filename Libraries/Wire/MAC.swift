/// Eight opaque bytes that prove knowledge of a key: a certificate, a proof or a packet's signature
/// (wire-protocol.md 15). Held as the little-endian integer of the bytes.
@frozen
public struct MAC: RawWireValue, Hashable {
    public var rawValue: UInt64

    @inlinable
    public init(rawValue: UInt64) { self.rawValue = rawValue }
}
