import Wire

/// The number of one of the 256 shards.
@frozen
public struct ShardID: RawWireValue, Hashable, Comparable, CustomStringConvertible {
    public var rawValue: UInt8

    @inlinable
    public init(rawValue: UInt8) { self.rawValue = rawValue }

    /// The number of shards of every cluster.
    public static let count = 256

    /// Every shard, in ascending order.
    public static var all: some Sequence<ShardID> { (UInt8.min...UInt8.max).lazy.map(ShardID.init(rawValue:)) }

    @inlinable
    public static func < (left: ShardID, right: ShardID) -> Bool { left.rawValue < right.rawValue }

    public var description: String { String(rawValue) }
}
