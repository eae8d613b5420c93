import Protocol
import ShardCore
import Store

/// A shard's state in the store of its process.
struct HostedShard {
    let core: ShardCore
    let store: GroupStore
    /// Opens the state anew, when another one has taken its place.
    let reopen: () throws -> any ReplicatedState

    init(_ shard: ShardID, in state: any OrderedStore, _ configuration: ShardConfiguration, _ budget: ShardCacheBudget)
        throws
    {
        let store = try GroupStore(over: state, prefix: [shard.rawValue])
        let open = {
            try ShardCore(
                store: store, shard: shard, location: configuration.location,
                transientLifetimeNanoseconds: configuration.transientLifetimeNanoseconds,
                minimumHistoryAgeNanoseconds: configuration.minimumHistoryAgeNanoseconds,
                supersededGraceNanoseconds: configuration.supersededGraceNanoseconds, cacheBudget: budget)
        }
        self.store = store
        core = try open()
        reopen = open
    }
}
