import Client
import GarbageCollection
import Protocol

/// What the real garbage collection needs, so that it runs in the simulation as it is.
extension SimulatedClient: ClusterAccess {
    var now: Timestamp {
        Timestamp(nanoseconds: UInt64(max(Int64(World.epoch &+ world.now) &+ clockOffset, 1)))
    }

    func call<R: ShardRPC>(_ request: R, shard: ShardID) async throws(ClientError) -> R.Response {
        try await counted(request, shard: shard).result.get()
    }

    func callCDC<R: CdcRPC>(_ request: R) async throws(ClientError) -> R.Response {
        try await counted(request).result.get()
    }

    /// From the nearest directory that defines it.
    func snapshotPolicy(of directory: InodeID) async throws(ClientError) -> SnapshotPolicy {
        var current = directory
        for _ in 0..<64 {
            let status = try await call(StatDirectoryRequest(id: current), shard: current.shard)
            if let policy = (try? status.info.policy(SnapshotPolicy.self)) ?? nil { return policy }
            guard current != .root, !status.owner.isNull else { break }
            current = status.owner
        }
        throw ClientError(.badPolicy, "resolution of the policies of \(directory)")
    }

    func erase(_ block: RemoveSpanInitiateBlockInfo) async throws(ClientError) -> MAC {
        try await blocks(
            .eraseBlock(EraseBlockRequest(blockId: block.blockId, certificate: block.certificate)),
            block.blockServiceId)
    }
}
