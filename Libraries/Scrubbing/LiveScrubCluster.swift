import Client
import EventLoop
import MaintenanceState
import Protocol

/// A running cluster, asked for metadata at a limited rate.
public actor LiveScrubCluster: ScrubCluster {
    /// Replaces blocks of a span; see `ScrubCluster.replace`.
    public typealias Replacement = @Sendable (
        _ blocks: Set<BlockID>, _ file: InodeID, _ spanOffset: UInt64
    ) async throws(ClientError) -> Void

    private nonisolated let client: Client
    private nonisolated let pacer: Pacer
    private nonisolated let replacement: Replacement
    private let registry: RegistryConnection

    public nonisolated var unownedExecutor: UnownedSerialExecutor { client.unownedExecutor }
    public nonisolated var now: Timestamp { Timestamp(nanoseconds: client.loop.wallClock()) }
    public nonisolated var monotonicNanoseconds: UInt64 { client.loop.monotonicNanoseconds }

    /// - Parameters:
    ///   - requestsPerSecond: of all requests to shards; at least 1.
    ///   - replacement: how damaged blocks are replaced.
    public init(
        client: Client, registries: [SocketAddress], requestsPerSecond: UInt32, replacement: @escaping Replacement
    ) {
        self.client = client
        self.replacement = replacement
        pacer = Pacer(loop: client.loop, perSecond: requestsPerSecond)
        registry = RegistryConnection(
            on: client.loop, addresses: registries, key: client.options.clusterKey)
    }

    /// Closes what this made; the client is its owner's.
    public func close() {
        registry.close()
    }

    public nonisolated func sleep(nanoseconds: UInt64) async {
        await client.loop.sleep(nanoseconds: nanoseconds)
    }

    public func disks() async throws(ClientError) -> [ScrubDisk] {
        do throws(RegistryCallError) {
            return try await registry.call(AllBlockServicesDeprecatedRequest()).blockServices.map {
                ScrubDisk(id: $0.id, path: String(decoding: $0.path, as: UTF8.self), flags: $0.flags)
            }
        } catch {
            throw ClientError(registry: error, "ALL_BLOCK_SERVICES")
        }
    }

    public nonisolated func call<R: ShardRPC>(_ request: R, shard: ShardID) async throws(ClientError) -> R.Response {
        await pacer.turn()
        return try await client.call(request, shard: shard)
    }

    public nonisolated func replace(
        _ blocks: Set<BlockID>, of file: InodeID, spanAt: UInt64
    ) async throws(ClientError) {
        try await replacement(blocks, file, spanAt)
    }

    // MARK: Checking

    public func check(_ block: ExpectedBlock) async -> BlockCheck {
        let request = CheckBlockRequest(blockId: block.block, size: block.size, crc: block.crc)
        guard let error = await send(request, to: block.service, .none, .check) else { return .sound }
        switch error.code {
        case .blockNotFound: return .damaged(.missing)
        case .blockIoErrorFile: return .damaged(.unreadable)
        case .blockIoErrorDevice: return .deviceError
        case .badBlockCrc: return .damaged(await endsEarly(block) ? .truncated : .corrupt)
        default: return .noAnswer(error)
        }
    }

    /// Whether a block that is not what it should be lacks its last page.
    private func endsEarly(_ block: ExpectedBlock) async -> Bool {
        let pageBytes = ClientLimits.pageBytes
        guard block.size >= pageBytes else { return false }
        let page = UnsafeMutableRawPointer.allocate(byteCount: pageBytes, alignment: 16)
        defer { page.deallocate() }
        let request = FetchBlockWithCrcRequest(
            fileId: .null, blockId: block.block, blockCrc: block.crc, offset: block.size - UInt32(pageBytes),
            count: UInt32(pageBytes))
        let error = await send(request, to: block.service, .pages(destination: page, bytes: pageBytes), .check)
        return error?.isRefusal(.blockFetchOutOfBounds) == true
    }

    /// Why the request failed; nil: it did not. What `answer` points to is not touched any more when this returns.
    private func send<R: BlocksRPC>(
        _ request: R, to service: BlockService, _ answer: BlockOperation.Answer,
        _ purpose: BlockPurpose
    ) async -> ClientError? {
        await withCheckedContinuation { continuation in
            let operation = BlockOperation(request, service, answer: answer) { result in
                switch result {
                case .success: continuation.resume(returning: nil)
                case .failure(let error): continuation.resume(returning: error)
                }
            }
            client.core.blocks.submit(operation, purpose: purpose)
        }
    }
}
