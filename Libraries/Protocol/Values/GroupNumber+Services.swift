extension GroupNumber {
    /// As the registry numbers the groups: the shards come first, from 0 on.
    public static let coordinator = GroupNumber(rawValue: 256)
    public static let registry = GroupNumber(rawValue: 257)

    public init(_ shard: ShardID) { self.init(rawValue: UInt32(shard.rawValue)) }

    /// Nil of the coordinator and the registry.
    public var shard: ShardID? { UInt8(exactly: rawValue).map(ShardID.init(rawValue:)) }
}
