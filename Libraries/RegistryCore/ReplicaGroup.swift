import Protocol

/// A group of five replica rows in one location: one of the 256 shards, the CDC, or the registry.
struct ReplicaGroup: Hashable {
    /// 0...255 shards, 256 the CDC, 257 the registry; also the group's place in the store.
    let index: UInt16

    static let count = 258
    static let cdc = ReplicaGroup(index: 256)
    static let registry = ReplicaGroup(index: 257)

    static func shard(_ shard: ShardID) -> ReplicaGroup { ReplicaGroup(index: UInt16(shard.rawValue)) }

    /// The group of a stored index, if there is one.
    init?(storedIndex: UInt16) {
        guard storedIndex < Self.count else { return nil }
        self.init(index: storedIndex)
    }

    private init(index: UInt16) { self.index = index }

    static let all = (0..<UInt16(count)).map(ReplicaGroup.init(index:))
}
