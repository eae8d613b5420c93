import Wire

/// The number of a block: nanoseconds since the epoch with the low byte replaced by the shard's number.
@frozen
public struct BlockID: RawWireValue, Hashable, Comparable, CustomStringConvertible {
    public var rawValue: UInt64

    @inlinable
    public init(rawValue: UInt64) { self.rawValue = rawValue }

    /// When the block was handed out, to 256 ns; a block service derives its windows from it.
    @inlinable public var time: Timestamp { Timestamp(nanoseconds: rawValue & ~0xff) }
    @inlinable public var shard: ShardID { ShardID(rawValue: UInt8(truncatingIfNeeded: rawValue)) }

    /// The number a shard hands out after this one: unique, and not before `time`.
    @inlinable
    public func next(at time: Timestamp, shard: ShardID) -> BlockID {
        BlockID(rawValue: max(rawValue &+ 0x100, time.nanoseconds & ~0xff | UInt64(shard.rawValue)))
    }

    @inlinable
    public static func < (left: BlockID, right: BlockID) -> Bool { left.rawValue < right.rawValue }

    public var description: String { hexadecimal(rawValue) }
}
