import Wire

/// The number of an inode: type in bits 62...61, index in bits 60...8, shard in bits 7...0 (wire-protocol.md 8).
@frozen
public struct InodeID: RawWireValue, Hashable, Comparable, CustomStringConvertible {
    public var rawValue: UInt64

    @inlinable
    public init(rawValue: UInt64) { self.rawValue = rawValue }

    /// An inode's number from its parts. Bits of `type` above the lowest two and of `index` above the
    /// lowest 53 are left out.
    @inlinable
    public init(type: InodeType, shard: ShardID, index: UInt64) {
        rawValue = UInt64(type.rawValue & 3) << 61 | (index & Self.indexMask) << 8 | UInt64(shard.rawValue)
    }

    /// No inode.
    public static let null = InodeID(rawValue: 0)
    /// The root directory: shard 0, index 0.
    public static let root = InodeID(rawValue: 0x2000_0000_0000_0000)

    @usableFromInline static let indexMask: UInt64 = 1 << 53 &- 1

    @inlinable public var type: InodeType { InodeType(rawValue: UInt8(truncatingIfNeeded: rawValue >> 61) & 3) }
    @inlinable public var shard: ShardID { ShardID(rawValue: UInt8(truncatingIfNeeded: rawValue)) }
    /// The number within type and shard, 0 ..< 2^53.
    @inlinable public var index: UInt64 { rawValue >> 8 & Self.indexMask }

    @inlinable public var isNull: Bool { rawValue == 0 }
    @inlinable public var isDirectory: Bool { type == .directory }
    /// Whether it has contents of its own: a regular file or a symbolic link.
    @inlinable public var isFile: Bool { type == .file || type == .symlink }

    /// Null, or with a type and an index below 2^53 - 1. Bit 63 is not looked at.
    @inlinable
    public var isValidOnWire: Bool {
        rawValue == 0 || (type.rawValue != 0 && index != Self.indexMask)
    }

    @inlinable
    public static func < (left: InodeID, right: InodeID) -> Bool { left.rawValue < right.rawValue }

    /// Sixteen hexadecimal digits after `0x`.
    public var description: String { hexadecimal(rawValue) }
}
