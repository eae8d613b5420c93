import CXXHash
import Wire

/// The position of a name in a directory: XXH3 (64 bits, seed 0) of its bytes with bit 63 cleared
/// (wire-protocol.md 10).
@frozen
public struct NameHash: RawWireValue, Hashable, Comparable, CustomStringConvertible {
    public var rawValue: UInt64

    @inlinable
    public init(rawValue: UInt64) { self.rawValue = rawValue }

    public init(of name: UnsafeRawBufferPointer) {
        rawValue = XXH3_64bits(name.baseAddress, name.count) & ~(1 << 63)
    }

    public init(of name: [UInt8]) {
        self = name.withUnsafeBytes { NameHash(of: $0) }
    }

    /// Before every name; as a continuation it means "finished".
    public static let zero = NameHash(rawValue: 0)

    @inlinable
    public static func < (left: NameHash, right: NameHash) -> Bool { left.rawValue < right.rawValue }

    public var description: String { hexadecimal(rawValue) }
}
