/// A CRC32C (Castagnoli) checksum (wire-protocol.md 13). Its arithmetic is in the Erasure library.
@frozen
public struct CRC32C: RawWireValue, Hashable, CustomStringConvertible {
    public var rawValue: UInt32

    @inlinable
    public init(rawValue: UInt32) { self.rawValue = rawValue }

    /// The checksum of no bytes.
    public static let zero = CRC32C(rawValue: 0)

    /// Eight hexadecimal digits.
    public var description: String {
        let digits = String(rawValue, radix: 16)
        return String(repeating: "0", count: 8 - digits.count) + digits
    }
}
