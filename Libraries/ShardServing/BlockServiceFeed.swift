import Client
import EventLoop
import Logging
import Protocol

/// Keeps what the shards know of block services fresh: every 30 to 60 s, and quickly while the cluster comes up or a
/// shard lacks block services. On the main loop.
final class BlockServiceFeed {
    /// What a quick look sees: when it has not changed, neither has the rest.
    private struct Glance: Equatable {
        var services: [BlockServiceID: BlockServiceFlags]
        var addresses: [BlockServiceID: AddrsInfo]
        var probe: [BlockServiceInfoShort]
    }

    private let registry: RegistryConnection
    private let loop: EventLoop
    private let logger: Logger
    private let shards: [ShardID]
    private let archive: BlockServiceArchive
    private let publish: (BlockServiceDirectory) -> Void
    private var directory = BlockServiceDirectory()
    private var timer: LoopTimer?
    private var isFetching = false
    private var lastGlance: Glance?
    private var lastChange: UInt64
    private var lastFullFetch: UInt64 = 0
    private let started: UInt64

    private static let second: UInt64 = 1_000_000_000

    init(
        _ registry: RegistryConnection, loop: EventLoop, logger: Logger, configuration: ShardConfiguration,
        publish: @escaping (BlockServiceDirectory) -> Void
    ) {
        self.registry = registry
        self.loop = loop
        self.logger = logger
        self.publish = publish
        shards = configuration.shards
        archive = BlockServiceArchive(dataDirectory: configuration.dataDirectory)
        started = loop.monotonicNanoseconds
        lastChange = started
    }

    /// Publishes what an earlier run knew, then begins to ask.
    func start() {
        if let known = archive.load() {
            directory = known
            publish(known)
        }
        glance()
    }

    func stop() {
        timer?.cancel()
        timer = nil
    }

    /// A shard lacks block services: look soon, but not more often than once a second.
    func hurry() {
        guard !isFetching, loop.monotonicNanoseconds - lastFullFetch > Self.second else { return }
        lastGlance = nil
        glance()
    }

    // MARK: Asking

    private func glance() {
        timer?.cancel()
        guard !isFetching, let probe = shards.first else { return }
        isFetching = true
        registry.call(AllBlockServicesDeprecatedRequest()) { [weak self] result in
            guard let self else { return }
            guard case .success(let all) = result else { return failed(result) }
            registry.call(ShardBlockServicesRequest(shardId: probe)) { [weak self] result in
                guard let self else { return }
                guard case .success(let assigned) = result else { return failed(result) }
                seen(all.blockServices, assigned.blockServices, of: probe)
            }
        }
    }

    private func seen(
        _ services: [BlockServiceDeprecatedInfo], _ assigned: [BlockServiceInfoShort], of probe: ShardID
    ) {
        let glance = Glance(
            services: Dictionary(services.map { ($0.id, $0.flags) }) { $1 },
            addresses: Dictionary(services.map { ($0.id, $0.addrs) }) { $1 }, probe: assigned)
        let isChanged = glance != lastGlance
        if isChanged { lastChange = loop.monotonicNanoseconds }
        lastGlance = glance
        let isOld = loop.monotonicNanoseconds - lastFullFetch > 30 * Self.second
        guard isChanged || isOld else { return again() }
        fetchAssignments(services, [probe: assigned])
    }

    private func fetchAssignments(
        _ services: [BlockServiceDeprecatedInfo], _ known: [ShardID: [BlockServiceInfoShort]]
    ) {
        let missing = shards.filter { known[$0] == nil }
        guard !missing.isEmpty else { return fetched(services, known) }
        var assignments = known
        var answers = 0
        for shard in missing {
            registry.call(ShardBlockServicesRequest(shardId: shard)) { [weak self] result in
                answers += 1
                if case .success(let response) = result { assignments[shard] = response.blockServices }
                if answers == missing.count { self?.fetched(services, assignments) }
            }
        }
    }

    private func fetched(
        _ services: [BlockServiceDeprecatedInfo], _ assignments: [ShardID: [BlockServiceInfoShort]]
    ) {
        lastFullFetch = loop.monotonicNanoseconds
        directory.update(services: services, assignments: assignments)
        publish(directory)
        loop.work { [archive, directory] in
            try archive.save(directory)
        } then: { [logger] result in
            if case .failure(let error) = result { logger.warning("cannot keep the list of block services: \(error)") }
        }
        again()
    }

    private func failed<Response>(_ result: Result<Response, RegistryCallError>) {
        if case .failure(let error) = result { logger.warning("cannot fetch block services: \(error)") }
        again()
    }

    private func again() {
        isFetching = false
        timer = loop.timer(afterNanoseconds: pause) { [weak self] in self?.glance() }
    }

    /// Nanoseconds until the next look.
    private var pause: UInt64 {
        let now = loop.monotonicNanoseconds
        let hasBlockServices = lastGlance.map { !$0.probe.isEmpty } ?? false
        if !hasBlockServices { return now - started < 60 * Self.second ? Self.second / 5 : 2 * Self.second }
        // Disks register one after the other when a cluster starts.
        if now - lastChange < 5 * Self.second { return Self.second / 2 }
        return UInt64.random(in: 30 * Self.second...60 * Self.second)
    }
}
