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
    /// Moves blocks of a file away from the source of `relief`, about so many bytes.
    func move(_ file: InodeID, _ relief: RebalancePlan.Relief, atMost bytes: UInt64) async -> RebalanceMove
    /// A few blocks were moved, and nothing is under way: what they left behind may be erased.
    func released() async
}

/// What came of moving blocks of a file.
public struct RebalanceMove: Hashable, Sendable {
    /// Bytes of the blocks that were moved.
    public var bytes: UInt64
    /// Copies of spans with blocks that should have been moved and were not.
    public var failedSpans: Int
    /// Why, for one of them.
    public var failure: String?

    public init(bytes: UInt64, failedSpans: Int = 0, failure: String? = nil) {
        self.bytes = bytes
        self.failedSpans = failedSpans
        self.failure = failure
    }
}
