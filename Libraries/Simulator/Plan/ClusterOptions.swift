import Protocol
import ShardCore

/// What the cluster of a run looks like; drawn from the seed.
struct ClusterOptions {
    var shardMachines: Int
    var blockServers: Int
    var disksPerServer: Int
    var clients: Int
    /// Pause of a user between two operations, nanoseconds: some runs are dense, others leave room for what is rare.
    var userPause: ClosedRange<UInt64>
    var collectors: Int
    /// Small ones make recovery after a crash of the coordinator look at few ids, large ones at many.
    var directoryReservation: Int
    /// How long a transient file lives after its last use, nanoseconds.
    var transientLifetime: UInt64
    var stalenessDelay: UInt64 = 60_000_000_000
    /// When a state is flushed at the latest, nanoseconds; each start draws one.
    var flushPause: ClosedRange<UInt64>
    /// How often processes look whether their log has grown, nanoseconds.
    var flushLook: UInt64
    var rootInfo: DirectoryInfo
    /// How many ownerships a shard lists.
    var ownershipLimit: UInt32
    /// How much of its records a process of shards keeps decoded, bytes.
    var shardCacheBytes: Int
    var log: LogOptions
    /// How many processes each process of shards, the coordinator and the registry are.
    var replicas = 1
    /// How far the clocks of two machines with replicas may drift apart, in thousandths; leases count on less than ten.
    var driftPerMille: UInt64 = 0
    /// Whether logs are kept longer than their own processes need them.
    var keepsForPeers = false

    /// Whether the registry tells its time, and shards and the coordinator compare theirs with it.
    var comparesClocks: Bool
    /// No history is removed that is not older, nanoseconds: more than two clocks that are compared may be apart.
    static let minimumHistoryAge: UInt64 = 125 * second

    /// How long superseded versions stay, nanoseconds.
    static let supersededGrace: UInt64 = 200 * second

    /// Small, so that files have several, bytes.
    static let largestSpan: UInt32 = 16 << 10

    static let second: UInt64 = 1_000_000_000

    init(_ random: inout SeededRandom) throws(EncodeError) {
        shardMachines = .random(in: 1...4, using: &random)
        blockServers = .random(in: 4...6, using: &random)
        disksPerServer = .random(in: 1...2, using: &random)
        clients = .random(in: 2...5, using: &random)
        userPause = 20_000_000...random.pick([5, 20, 60]) * Self.second
        collectors = .random(in: 1...2, using: &random)
        directoryReservation = random.pick([2, 4, 8, 32])
        transientLifetime = random.pick([120, 300, 900]) * Self.second
        flushPause = random.pick([5, 30, 120]) * Self.second...200 * Self.second
        flushLook = random.pick([500_000_000, 2 * Self.second])
        let versions = random.pick([DeleteAfterVersions.inactive, DeleteAfterVersions(versions: 2)])
        ownershipLimit = random.pick([3, ShardCore.defaultOwnershipLimit])
        shardCacheBytes = random.pick([1 << 10, 32 << 10, 1 << 20])
        log = LogOptions(&random)
        comparesClocks = random.perMille(500)
        rootInfo = try .sternaRootDefault(
            snapshot: SnapshotPolicy(
                deleteAfterTime: DeleteAfterTime(nanoseconds: random.pick([30, 120, 600]) * Self.second),
                deleteAfterVersions: versions),
            span: .uniform(Parity(data: 2, parity: 1), maxSize: Self.largestSpan), block: .uniform(.flash))
        if random.perMille(500) { replicate(&random) }
    }

    /// Fewer processes of shards than otherwise, as each is several.
    private mutating func replicate(_ random: inout SeededRandom) {
        replicas = random.perMille(50) ? 5 : 3
        shardMachines = random.pick([1, 1, 2])
        // Each group costs time.
        directoryReservation = 2
        driftPerMille = random.pick([0, 0, 2, 4])
        keepsForPeers = random.perMille(500)
        // What of all groups is on its way to a disk has its room there beside what was applied: whoever cannot write
        // cannot elect anybody either.
        log.store.maximumBytes = max(log.store.maximumBytes, 16 * log.store.segmentBytes)
        log.settings.messageBytes = log.store.segmentBytes / 32
        log.settings.windowBytes = log.store.segmentBytes / 32
        log.slowDown(by: 6)
    }
}
