import Client
import Protocol

/// The requests that garbage collection makes.
public protocol ClusterAccess: Sendable {
    /// The wall clock; refused while it is not to be believed, as nothing may be removed by a wrong one.
    var now: Timestamp { get throws(ClientError) }
    /// Sends a request to a shard.
    func call<R: ShardRPC>(_ request: R, shard: ShardID) async throws(ClientError) -> R.Response
    /// Sends a request to the coordinator.
    func callCDC<R: CdcRPC>(_ request: R) async throws(ClientError) -> R.Response
    /// The snapshot policy in force for a directory.
    func snapshotPolicy(of directory: InodeID) async throws(ClientError) -> SnapshotPolicy
    /// Has a block erased where it is, or by the registry when its block service is decommissioned; the proof.
    func erase(_ block: RemoveSpanInitiateBlockInfo) async throws(ClientError) -> MAC
    /// Whether a block service that was away is given up by now, so that nobody need wait for it.
    func isDecommissioned(_ service: BlockServiceID) async -> Bool
}

extension ClusterAccess {
    /// Of a cluster that does not tell; it shows at the next try.
    public func isDecommissioned(_ service: BlockServiceID) async -> Bool { false }
}
