import Client
import EventLoop
import Protocol
import ShardCore

/// The requests that a check of a running cluster makes: reads only.
public protocol ClusterReading: Sendable {
    /// Sends a request to a shard.
    func call<R: ShardRPC>(_ request: R, shard: ShardID) async throws(ClientError) -> R.Response
    /// Whether the cluster's servers know an extension.
    func supports(_ extension: ProtocolExtension) async -> Bool
    /// Has a block service read a block again (CHECK_BLOCK); `size` in bytes.
    func check(_ block: BlockID, size: UInt32, crc: CRC32C, at service: BlockService) async throws(ClientError)
    /// Lets time pass.
    func pause(nanoseconds: UInt64) async
}

/// A running cluster, at a limited rate.
public actor PacedCluster: ClusterReading {
    private nonisolated let client: Client
    private nonisolated let pacer: Pacer

    public nonisolated var unownedExecutor: UnownedSerialExecutor { client.unownedExecutor }

    public init(client: Client, requestsPerSecond: UInt32) {
        self.client = client
        pacer = Pacer(loop: client.loop, perSecond: requestsPerSecond)
    }

    public nonisolated func call<R: ShardRPC>(
        _ request: R, shard: ShardID
    ) async throws(ClientError) -> R.Response {
        await pacer.turn()
        return try await client.call(request, shard: shard)
    }

    public func supports(_ extension: ProtocolExtension) async -> Bool { await client.supports(`extension`) }

    public func check(
        _ block: BlockID, size: UInt32, crc: CRC32C, at service: BlockService
    ) async throws(ClientError) {
        await pacer.turn()
        let request = CheckBlockRequest(blockId: block, size: size, crc: crc)
        let result: Result<MAC?, ClientError> = await withCheckedContinuation { continuation in
            let operation = BlockOperation(request, service, answer: .none) { continuation.resume(returning: $0) }
            client.core.blocks.submit(operation, purpose: .check)
        }
        _ = try result.get()
    }

    public nonisolated func pause(nanoseconds: UInt64) async {
        await client.loop.sleep(nanoseconds: nanoseconds)
    }
}
