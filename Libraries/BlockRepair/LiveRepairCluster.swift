import Client
import EventLoop
import Protocol

/// A running cluster, with requests to shards at a limited rate.
package actor LiveRepairCluster: MigrationCluster {
    private nonisolated let client: Client
    private nonisolated let pacer: Pacer
    /// All block services, for whoever decides what is to be repaired.
    package nonisolated let directory: BlockServiceDirectory

    package nonisolated var unownedExecutor: UnownedSerialExecutor { client.unownedExecutor }
    package nonisolated var monotonicNanoseconds: UInt64 { client.loop.monotonicNanoseconds }
    package nonisolated var pool: BufferPool { client.core.pool }

    /// - Parameter requestsPerSecond: to shards, at least 1.
    package init(client: Client, registries: [SocketAddress], requestsPerSecond: UInt32) {
        self.client = client
        pacer = Pacer(loop: client.loop, perSecond: requestsPerSecond)
        directory = BlockServiceDirectory(
            loop: client.loop, registries: registries, key: client.options.clusterKey)
    }

    /// Closes what this made; the client is its owner's.
    package func close() async {
        await directory.close()
    }

    package nonisolated func sleep(nanoseconds: UInt64) async {
        await client.loop.sleep(nanoseconds: nanoseconds)
    }

    package nonisolated func call<R: ShardRPC>(
        _ request: R, shard: ShardID
    ) async throws(ClientError) -> R.Response {
        await pacer.turn()
        return try await client.call(request, shard: shard)
    }

    package func failureDomains() async throws(ClientError) -> [BlockServiceID: FailureDomain] {
        let services = try await directory.services()
        return Dictionary(services.map { ($0.id, $0.failureDomain) }, uniquingKeysWith: { first, _ in first })
    }

    package func blockServices(
        notOlderThanNanoseconds age: UInt64
    ) async throws(ClientError) -> [BlockServiceDeprecatedInfo] {
        try await directory.services(notOlderThanNanoseconds: age)
    }

    package func fetch(
        _ source: BlockSource, _ range: Range<Int>, into memory: PooledBuffer, at offset: Int
    ) async throws(ClientError) {
        precondition(offset >= 0 && offset + range.count <= memory.count)
        let request = FetchBlockWithCrcRequest(
            fileId: .null, blockId: source.block, blockCrc: source.crc, offset: UInt32(clamping: range.lowerBound),
            count: UInt32(clamping: range.count))
        let result: Result<MAC?, ClientError> = await withCheckedContinuation { continuation in
            let operation = BlockOperation(
                request, source.service, answer: .pages(destination: memory.base + offset, bytes: range.count)
            ) { result in
                // Keeps the destination until the last byte has come or will not come.
                withExtendedLifetime(memory) { continuation.resume(returning: result) }
            }
            client.core.blocks.submit(operation, purpose: .fetch)
        }
        _ = try result.get()
    }

    package func write(
        _ memory: PooledBuffer, bytes: Int, crc: CRC32C, to place: AddSpanInitiateBlockInfo
    ) async throws(ClientError) -> MAC {
        precondition(bytes <= memory.count)
        let service = BlockService(addrs: place.blockServiceAddrs, id: place.blockServiceId, flags: [])
        let request = WriteBlockRequest(
            blockId: place.blockId, crc: crc, size: UInt32(clamping: bytes), certificate: place.certificate)
        let payload = UnsafeRawBufferPointer(start: memory.base, count: bytes)
        let result: Result<MAC?, ClientError> = await withCheckedContinuation { continuation in
            let operation = BlockOperation(request, service, payload: [payload], answer: .proof) { result in
                withExtendedLifetime(memory) { continuation.resume(returning: result) }
            }
            client.core.blocks.submit(operation, purpose: .write)
        }
        guard let proof = try result.get() else {
            throw ClientError(.malformedAnswer, "WRITE_BLOCK", "the answer has no proof")
        }
        return proof
    }
}
