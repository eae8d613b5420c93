import Protocol

/// One replica row's place: location, group, replica number. The number may be out of range, as requests may say
/// anything.
struct ReplicaSlot: Hashable {
    var location: LocationID
    var group: ReplicaGroup
    var replica: ReplicaID

    init(location: LocationID, group: ReplicaGroup, replica: ReplicaID) {
        self.location = location
        self.group = group
        self.replica = replica
    }

    init(_ shard: ShardReplicaID, location: LocationID) {
        self.init(location: location, group: .shard(shard.shard), replica: shard.replica)
    }
}
