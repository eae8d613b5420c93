import Client
import EventLoop
import Logging
import Protocol

/// Keeps what the shards of a process know of block services fresh: every 30 to 60 s, and quickly while the cluster
/// comes up or a shard lacks block services. Confined to the loop it was made on; it lives on virtual time in the
/// simulator.
package final class BlockServiceFeed {
    package typealias Answer<Response> = (Result<Response, RegistryCallError>) -> Void

    /// Time, the registry, and a place to keep what it said.
    package struct Environment {
        package var monotonic: () -> UInt64
        /// Runs `body` here after so many nanoseconds.
        package var later: (_ nanoseconds: UInt64, _ body: @escaping () -> Void) -> Void
        package var random: (ClosedRange<UInt64>) -> UInt64
        package var askForAll: (_ answer: @escaping Answer<AllBlockServicesDeprecatedResponse>) -> Void
        package var ask: (_ shard: ShardID, _ answer: @escaping Answer<ShardBlockServicesResponse>) -> Void
        package var keep: (BlockServiceDirectory) -> Void

        package init(
            monotonic: @escaping () -> UInt64,
            later: @escaping (_ nanoseconds: UInt64, _ body: @escaping () -> Void) -> Void,
            random: @escaping (ClosedRange<UInt64>) -> UInt64,
            askForAll: @escaping (_ answer: @escaping Answer<AllBlockServicesDeprecatedResponse>) -> Void,
            ask: @escaping (_ shard: ShardID, _ answer: @escaping Answer<ShardBlockServicesResponse>) -> Void,
            keep: @escaping (BlockServiceDirectory) -> Void
        ) {
            self.monotonic = monotonic
            self.later = later
            self.random = random
            self.askForAll = askForAll
            self.ask = ask
            self.keep = keep
        }
    }

    /// What a quick look sees: when it has not changed, neither has the rest.
    private struct Glance: Equatable {
        var services: [BlockServiceID: BlockServiceFlags]
        var addresses: [BlockServiceID: AddrsInfo]
        var probe: [BlockServiceInfoShort]
    }

    private let environment: Environment
    private let logger: Logger
    private let shards: () -> [ShardID]
    private let publish: (BlockServiceDirectory) -> Void
    private var directory: BlockServiceDirectory
    /// Counts the looks that were planned: only the last one takes place.
    private var plan = 0
    private var isFetching = false
    private var isStopped = false
    private var lastGlance: Glance?
    private var lastChange: UInt64
    private var lastFullFetch: UInt64 = 0
    private let started: UInt64

    private static let second: UInt64 = 1_000_000_000

    /// - Parameters:
    ///   - known: what an earlier process was told.
    ///   - shards: that are there; all may be new but the first.
    ///   - publish: is told what is known, whenever that was asked for.
    package init(
        _ environment: Environment, logger: Logger, known: BlockServiceDirectory?, shards: @escaping () -> [ShardID],
        publish: @escaping (BlockServiceDirectory) -> Void
    ) {
        self.environment = environment
        self.logger = logger
        self.shards = shards
        self.publish = publish
        directory = known ?? BlockServiceDirectory()
        started = environment.monotonic()
        lastChange = started
    }

    /// Publishes what an earlier process was told, then begins to ask.
    package func start() {
        if !directory.services.isEmpty { publish(directory) }
        glance()
    }

    package func stop() { isStopped = true }

    /// A shard lacks block services: look soon, but not more often than once a second.
    package func hurry() {
        guard !isFetching, environment.monotonic() - lastFullFetch > Self.second else { return }
        lastGlance = nil
        glance()
    }

    // MARK: Asking

    private func glance() {
        guard !isFetching, !isStopped else { return }
        guard let probe = shards().first else { return again() }
        isFetching = true
        environment.askForAll { [weak self] result in
            guard let self else { return }
            guard case .success(let all) = result else { return failed(result) }
            environment.ask(probe) { [weak self] result in
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
        if isChanged { lastChange = environment.monotonic() }
        lastGlance = glance
        let isOld = environment.monotonic() - lastFullFetch > 30 * Self.second
        guard isChanged || isOld else { return again() }
        fetchAssignments(services, [probe: assigned])
    }

    private func fetchAssignments(
        _ services: [BlockServiceDeprecatedInfo], _ known: [ShardID: [BlockServiceInfoShort]]
    ) {
        let missing = shards().filter { known[$0] == nil }
        guard !missing.isEmpty else { return fetched(services, known) }
        var assignments = known
        var answers = 0
        for shard in missing {
            environment.ask(shard) { [weak self] result in
                answers += 1
                if case .success(let response) = result { assignments[shard] = response.blockServices }
                if answers == missing.count { self?.fetched(services, assignments) }
            }
        }
    }

    private func fetched(
        _ services: [BlockServiceDeprecatedInfo], _ assignments: [ShardID: [BlockServiceInfoShort]]
    ) {
        lastFullFetch = environment.monotonic()
        directory.update(services: services, assignments: assignments)
        publish(directory)
        environment.keep(directory)
        again()
    }

    private func failed<Response>(_ result: Result<Response, RegistryCallError>) {
        if case .failure(let error) = result { logger.warning("cannot fetch block services: \(error)") }
        again()
    }

    private func again() {
        isFetching = false
        plan += 1
        let mine = plan
        environment.later(pause) { [weak self] in
            if let self, plan == mine { glance() }
        }
    }

    /// Nanoseconds until the next look.
    private var pause: UInt64 {
        let now = environment.monotonic()
        let hasBlockServices = lastGlance.map { !$0.probe.isEmpty } ?? false
        if !hasBlockServices { return now - started < 60 * Self.second ? Self.second / 5 : 2 * Self.second }
        // Disks register one after the other when a cluster starts.
        if now - lastChange < 5 * Self.second { return Self.second / 2 }
        return environment.random(30 * Self.second...60 * Self.second)
    }
}
