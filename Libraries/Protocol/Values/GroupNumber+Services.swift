extension GroupNumber {
    /// As the registry numbers the groups: the shards come first, from 0 on.
    public static let coordinator = GroupNumber(rawValue: 256)
    public static let registry = GroupNumber(rawValue: 257)

    public init(_ shard: ShardID) { self.init(rawValue: UInt32(shard.rawValue)) }
}
