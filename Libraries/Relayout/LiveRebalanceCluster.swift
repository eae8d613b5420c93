import BlockRepair
import Client
import EventLoop
import Protocol
import Synchronization

/// A running cluster: blocks are moved by `FileRepair`.
package actor LiveRebalanceCluster: RebalanceCluster {
    /// A shard is told of so many disks to avoid at most, so that the request stays a small datagram. Shards have fewer
    /// to choose from.
    private static let avoidedLimit = 64
    /// The registry changes what a shard may choose from every now and then.
    private static let assignmentNanoseconds: UInt64 = 60_000_000_000

    private nonisolated let client: Client
    private nonisolated let repairCluster: LiveRepairCluster
    private nonisolated let repair: FileRepair<LiveRepairCluster>
    private let registry: RegistryConnection
    private var assigned: [ShardID: (services: Set<BlockServiceID>, nanoseconds: UInt64)] = [:]

    package nonisolated var unownedExecutor: UnownedSerialExecutor { client.unownedExecutor }
    package nonisolated var now: Timestamp { Timestamp(nanoseconds: client.loop.wallClock()) }

    /// - Parameter repair: with its own limits; works on `repairCluster`.
    package init(
        client: Client, registries: [SocketAddress], repairCluster: LiveRepairCluster,
        repair: FileRepair<LiveRepairCluster>
    ) {
        self.client = client
        self.repairCluster = repairCluster
        self.repair = repair
        registry = RegistryConnection(
            on: client.loop, addresses: registries, key: client.options.clusterKey)
    }

    /// Closes what this made; everything else is its owner's.
    package func close() {
        registry.close()
    }

    package nonisolated func sleep(nanoseconds: UInt64) async {
        await client.loop.sleep(nanoseconds: nanoseconds)
    }

    package func fills() async throws(ClientError) -> [DiskFill] {
        do throws(RegistryCallError) {
            return try await registry.call(AllBlockServicesDeprecatedRequest()).blockServices.map(DiskFill.init)
        } catch {
            throw ClientError(registry: error, "ALL_BLOCK_SERVICES")
        }
    }

    package nonisolated func files(
        on disk: BlockServiceID, in shard: ShardID, from file: InodeID
    ) async throws(ClientError) -> [InodeID] {
        try await repairCluster.call(
            BlockServiceFilesRequest(blockServiceId: disk, startFrom: file), shard: shard
        ).fileIds
    }

    package func move(_ file: InodeID, _ relief: RebalancePlan.Relief, atMost bytes: UInt64) async -> RebalanceMove {
        // A shard that cannot be told apart is asked with what is known: it refuses what it cannot do.
        let choice = await choice(of: file.shard) ?? relief.avoided.union(relief.targets)
        guard !choice.isDisjoint(with: relief.targets) else { return RebalanceMove(bytes: 0) }
        let avoided = choice.intersection(relief.avoided).sorted().prefix(Self.avoidedLimit)
            .map { BlacklistEntry(failureDomain: .none, blockService: $0) }
        let left = Mutex(Int64(clamping: bytes))
        let outcome = await repair.repair(file, avoiding: avoided) { block in
            guard block.service.id == relief.source else { return .keep }
            let moves = left.withLock { left in
                defer { left -= left > 0 ? Int64(block.bytes) : 0 }
                return left > 0
            }
            return moves ? .move : .keep
        }
        return RebalanceMove(
            bytes: UInt64(clamping: outcome.tally.replacedBytes), failedSpans: outcome.tally.failedSpans,
            failure: outcome.failures.first.map { "\($0)" })
    }

    package nonisolated func released() async {
        await repair.releaseScratchFiles()
    }

    /// The disks that a shard places new blocks on for now; nil when the registry does not say.
    private func choice(of shard: ShardID) async -> Set<BlockServiceID>? {
        let now = client.loop.monotonicNanoseconds
        if let known = assigned[shard], now &- known.nanoseconds < Self.assignmentNanoseconds { return known.services }
        do throws(RegistryCallError) {
            let services = try await registry.call(ShardBlockServicesRequest(shardId: shard)).blockServices
            let choice = Set(services.map(\.id))
            assigned[shard] = (choice, now)
            return choice
        } catch {
            return assigned[shard]?.services
        }
    }
}
