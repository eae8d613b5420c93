import Mutations
import Protocol
import Store

/// The metadata state machine of one shard (metadata.md A–C): deterministic, without input or output of its own.
///
/// A leader turns write requests into log entries with `prepare`; every replica applies the entries in the order of the
/// log; reads are answered from the applied state. Belongs to one thread at a time. The state is what `apply` wrote to
/// the store, so a restarted core goes on where the store is; the log replays the rest.
public final class ShardCore {
    /// The shard this core is.
    public let shard: ShardID
    /// Which copy of a span a reader is told of first.
    public let location: LocationID
    /// How long transient files live after their last use, in nanoseconds; goes into the entries prepared here.
    public let transientLifetimeNanoseconds: UInt64
    /// How old a piece of history has to be before it may be removed, in nanoseconds; goes into the entries prepared
    /// here.
    public let minimumHistoryAgeNanoseconds: UInt64
    /// How long a version that was superseded without a snapshot stays readable, in nanoseconds, if not the minimum age
    /// of history is longer; goes into the entries prepared here.
    public let supersededGraceNanoseconds: UInt64
    /// What is known of the cluster's block services: set by the service whenever it learns more.
    public var blockServices: BlockServiceTable {
        didSet { secrets.forgetServices() }
    }

    let state: ShardState
    let secrets: ShardSecrets
    /// The time of the last entry prepared here.
    var lastPreparedTime = Timestamp.zero
    /// Nil until something was prepared here.
    var beginning: Beginning?

    /// The lifetime of transient files unless told otherwise: two hours.
    public static let defaultTransientLifetimeNanoseconds: UInt64 = 2 * 3_600 * 1_000_000_000

    /// How long superseded versions stay unless told otherwise: one hour.
    public static let defaultSupersededGraceNanoseconds: UInt64 = 3_600 * 1_000_000_000

    /// How many ownerships are stored once for all inodes that have them; further ones stand in each inode's record.
    public static let defaultOwnershipLimit: UInt32 = 1 << 20

    /// A core over the records of `shard` in `store`, which other shards may share.
    /// - Parameter ownershipLimit: must be the same for all replicas of the shard and at every start.
    public init(
        store: any OrderedStore, shard: ShardID, location: LocationID = .default,
        transientLifetimeNanoseconds: UInt64 = ShardCore.defaultTransientLifetimeNanoseconds,
        minimumHistoryAgeNanoseconds: UInt64 = 0,
        supersededGraceNanoseconds: UInt64 = ShardCore.defaultSupersededGraceNanoseconds,
        blockServices: BlockServiceTable = BlockServiceTable(),
        cacheBudget: ShardCacheBudget = ShardCacheBudget(),
        ownershipLimit: UInt32 = ShardCore.defaultOwnershipLimit
    ) throws(ShardStateError) {
        self.shard = shard
        self.location = location
        self.transientLifetimeNanoseconds = transientLifetimeNanoseconds
        self.minimumHistoryAgeNanoseconds = minimumHistoryAgeNanoseconds
        self.supersededGraceNanoseconds = supersededGraceNanoseconds
        self.blockServices = blockServices
        state = try ShardState(store: store, shard: shard, budget: cacheBudget, ownershipLimit: ownershipLimit)
        secrets = ShardSecrets()
    }

    /// The index of the last applied entry, also across restarts; 0 when nothing was applied.
    public var appliedIndex: LogIndex { state.progress.appliedIndex }

    /// The highest time of an applied entry.
    public var lastAppliedTime: Timestamp { state.progress.lastTime }

    /// Whether the genesis entry was applied. Before that nothing can be prepared but the genesis.
    public var isInitialised: Bool { state.identity != nil }

    /// The time of the next entry: `now`, or just after the last entry if the clock does not say so (C.2).
    func nextTime(_ now: Timestamp) -> Timestamp {
        let last = max(lastPreparedTime, state.progress.lastTime)
        let time = Mutation.timeFollowsClock.isPlanted ? now : max(now, Timestamp(nanoseconds: last.nanoseconds &+ 1))
        lastPreparedTime = time
        return time
    }

    func isMine(_ id: InodeID) -> Bool { id.shard == shard }
}
