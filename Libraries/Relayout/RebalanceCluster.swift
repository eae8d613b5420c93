import Client
import Protocol

/// What evening out asks of a cluster.
public protocol RebalanceCluster: Sendable {
    /// The wall clock.
    var now: Timestamp { get }
    /// Returns early when the task is cancelled.
    func sleep(nanoseconds: UInt64) async
    /// All disks that the registry knows.
    func fills() async throws(ClientError) -> [DiskFill]
    /// Files of a shard with blocks on a disk, ascending from one on; none: that was all.
    func files(on disk: BlockServiceID, in shard: ShardID, from file: InodeID) async throws(ClientError) -> [InodeID]
    /// Moves blocks of a file away from the source of `relief`, at most so many bytes; answers how many it were.
    func move(_ file: InodeID, _ relief: RebalancePlan.Relief, atMost bytes: UInt64) async -> UInt64
    /// A few blocks were moved, and nothing is under way: what they left behind may be erased.
    func released() async
}
