import Client
import GarbageCollection
import Protocol

/// What the real garbage collection needs. Its clock is believed here, right or wrong, so that shards have to look
/// after themselves.
extension SimulatedClient: ClusterAccess {
    var now: Timestamp { Timestamp(nanoseconds: loop.wallClock()) }

    func call<R: ShardRPC>(_ request: R, shard: ShardID) async throws(ClientError) -> R.Response {
        try await client.call(request, shard: shard)
    }

    func callCDC<R: CdcRPC>(_ request: R) async throws(ClientError) -> R.Response {
        try await client.callCDC(request)
    }

    func snapshotPolicy(of directory: InodeID) async throws(ClientError) -> SnapshotPolicy {
        try await client.snapshotPolicy(of: directory)
    }

    func erase(_ block: RemoveSpanInitiateBlockInfo) async throws(ClientError) -> MAC {
        let service = BlockService(
            addrs: block.blockServiceAddrs, id: block.blockServiceId, flags: block.blockServiceFlags)
        let request = EraseBlockRequest(blockId: block.blockId, certificate: block.certificate)
        let result: Result<MAC?, ClientError> = await withUnsafeContinuation { continuation in
            let operation = BlockOperation(request, service, answer: .proof) { continuation.resume(returning: $0) }
            client.core.blocks.submit(operation, purpose: .erase)
        }
        guard let proof = try result.get() else { throw ClientError(.malformedAnswer, "ERASE_BLOCK") }
        return proof
    }
}
