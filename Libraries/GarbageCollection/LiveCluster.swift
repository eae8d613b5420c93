import Client
import EventLoop
import Protocol

/// A running cluster, at a limited rate.
public actor LiveCluster: ClusterAccess {
    private static let decommissionedNanoseconds: UInt64 = 30_000_000_000

    private nonisolated let client: Client
    private nonisolated let pacer: Pacer
    private nonisolated let clock: ClusterClock
    private nonisolated let rest: ClockRest
    private let registry: RegistryConnection
    /// As the registry said last, and when it was asked.
    private var decommissioned: Set<BlockServiceID> = []
    private var askedNanoseconds: UInt64?

    public nonisolated var unownedExecutor: UnownedSerialExecutor { client.unownedExecutor }
    public nonisolated var now: Timestamp {
        get throws(ClientError) {
            guard let now = clock.now else { throw ClientError(.wrongClock, "collection of what is old") }
            guard !rest.isOn(at: now, wasSet: clock.wasSet(withinNanoseconds: ClockRest.nanoseconds)) else {
                throw ClientError(
                    .wrongClock, "collection of what is old", "the registry's clock was set lately (--clock-is-right)")
            }
            return now
        }
    }

    /// - Parameter requestsPerSecond: of all requests that change something or list; at least 1.
    public init(
        client: Client, clock: ClusterClock, rest: ClockRest, registries: [SocketAddress], requestsPerSecond: UInt32
    ) {
        self.client = client
        self.clock = clock
        self.rest = rest
        pacer = Pacer(loop: client.loop, perSecond: requestsPerSecond)
        registry = RegistryConnection(
            on: client.loop, addresses: registries, key: client.options.clusterKey)
    }

    /// Closes what this made; the client is its owner's.
    public func close() {
        registry.close()
    }

    public nonisolated func call<R: ShardRPC>(_ request: R, shard: ShardID) async throws(ClientError) -> R.Response {
        await pacer.turn()
        return try await client.call(request, shard: shard)
    }

    public nonisolated func callCDC<R: CdcRPC>(_ request: R) async throws(ClientError) -> R.Response {
        await pacer.turn()
        return try await client.callCDC(request)
    }

    public nonisolated func snapshotPolicy(of directory: InodeID) async throws(ClientError) -> SnapshotPolicy {
        try await client.snapshotPolicy(of: directory)
    }

    public func erase(_ block: RemoveSpanInitiateBlockInfo) async throws(ClientError) -> MAC {
        await pacer.turn()
        if block.blockServiceFlags.contains(.decommissioned) { return try await eraseAtRegistry(block) }
        let service = BlockService(
            addrs: block.blockServiceAddrs, id: block.blockServiceId, flags: block.blockServiceFlags)
        let request = EraseBlockRequest(blockId: block.blockId, certificate: block.certificate)
        let result: Result<MAC?, ClientError> = await withCheckedContinuation { continuation in
            let operation = BlockOperation(request, service, answer: .proof) { continuation.resume(returning: $0) }
            client.core.blocks.submit(operation, purpose: .erase)
        }
        guard let proof = try result.get() else {
            throw ClientError(.malformedAnswer, "ERASE_BLOCK", "the answer has no proof")
        }
        return proof
    }

    public func isDecommissioned(_ service: BlockServiceID) async -> Bool {
        let now = client.loop.monotonicNanoseconds
        if askedNanoseconds.map({ now &- $0 < Self.decommissionedNanoseconds }) != true {
            askedNanoseconds = now
            do throws(RegistryCallError) {
                let services = try await registry.call(AllBlockServicesDeprecatedRequest()).blockServices
                decommissioned = Set(services.filter { $0.flags.contains(.decommissioned) }.map(\.id))
            } catch {
                // What was known stays right: decommissioning is for good. The rest is tried after its pause.
            }
        }
        return decommissioned.contains(service)
    }

    private func eraseAtRegistry(_ block: RemoveSpanInitiateBlockInfo) async throws(ClientError) -> MAC {
        let request = EraseDecommissionedBlockRequest(
            blockServiceId: block.blockServiceId, blockId: block.blockId, certificate: block.certificate)
        do throws(RegistryCallError) {
            return try await registry.call(request).proof
        } catch {
            throw ClientError(registry: error, "ERASE_DECOMMISSIONED_BLOCK")
        }
    }
}
