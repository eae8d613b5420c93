import Client
import Consensus
import Daemon
import EventLoop
import Protocol
import Replicas
import ReplicatedLog
import ShardCore
import Store

/// A process full of shards: storage, loops, and what all shards do together. On the main loop.
package final class ShardHost {
    let daemon: Daemon
    let configuration: ShardConfiguration
    private let directory: ReplicaDirectory
    let storage: ReplicaStorage
    /// The hosted shards, up to date with the log.
    private let states: [ShardID: HostedShard]
    /// The processes with the other replicas; nil: there are none.
    let peers: ReplicaPeers?
    /// Groups that are in the log or the state without being hosted now, at the index their state has reached.
    private let dormant: [LogGroupID: LogIndex]
    let registry: RegistryConnection
    private let clock: ClusterClock
    private let clockWatch: ClockWatch
    private var watching: Task<Void, Never>?
    private(set) var shardLoops: [LoopBound<ShardLoop>] = []
    private var threads: [SystemThread] = []
    private var registrar: Registrar?
    private var feed: BlockServiceFeed?
    private var flusher: StateFlusher?
    private var diskReporter: TroubleReporter<ReportMetadataDiskRequest>?
    private var groupReporter: TroubleReporter<ReportGroupsRequest>?
    private var unregistered: Set<ShardID>
    private var listening: [ShardID: [SocketAddress]] = [:]
    private var ports: PortMemory
    private(set) var isStopping = false
    /// NTP corrects as much without anybody noticing.
    private static let unremarkableClockStepNanoseconds: UInt64 = 5_000_000_000

    /// Opens the stores and replays the log. Blocks.
    package init(_ daemon: Daemon, _ configuration: ShardConfiguration) throws {
        self.daemon = daemon
        self.configuration = configuration
        directory = try ReplicaDirectory(
            configuration.dataDirectory,
            ReplicaDirectory.Options(
                stateMemoryBytes: configuration.stateMemoryBytes, acceptsLostLogTail: configuration.acceptsLostLogTail),
            logger: daemon.logger)
        // All 256: the log may hold entries of shards that were hosted here before, and their state must not stay
        // behind.
        var states = try Self.openStates(directory.state, configuration)
        let cores = states.mapValues(\.core)
        let alarm = FullDiskAlarm("shard", logger: daemon.logger, counters: daemon.counters)
        let storage = try ReplicaStorage(
            directory, cores, configuration.replicas.place, onShortage: { alarm.update($0) }
        ) { group, index, bytes in
            _ = try cores[group]?.apply(encoded: bytes, at: index)
        }
        self.storage = storage
        var hosted: [ShardID: HostedShard] = [:]
        for shard in configuration.shards { hosted[shard] = states.removeValue(forKey: LogGroupID(shard)) }
        self.states = hosted
        dormant = states.mapValues(\.core.appliedIndex)
        peers = try ReplicaPeers.ifAny(
            .shards, storage.member, configuration.replicas, keys: configuration.keys, daemon)
        registry = RegistryConnection(
            on: daemon.loop, addresses: configuration.registryAddresses, key: configuration.keys.cluster)
        clock = ClusterClock(loop: daemon.loop)
        clockWatch = ClockWatch(clock, loop: daemon.loop, registries: configuration.registryAddresses) {
            [logger = daemon.logger] news in logger.log(level: news.isWrong ? .error : .notice, "\(news.sentence)")
        }
        unregistered = Set(configuration.shards)
        ports = PortMemory(dataDirectory: configuration.dataDirectory)
        warnIfClockIsBehind()
    }

    private static func openStates(
        _ state: any OrderedStore, _ configuration: ShardConfiguration
    ) throws -> [LogGroupID: HostedShard] {
        let budget = ShardCacheBudget(limitBytes: configuration.cacheMemoryBytes)
        var states: [LogGroupID: HostedShard] = [:]
        for shard in ShardID.all {
            states[LogGroupID(shard)] = try HostedShard(shard, in: state, configuration, budget)
        }
        return states
    }

    /// Times of entries never go back (spec C.2): until a clock that was put back has caught up, each is a nanosecond
    /// after the one before. Everything works, but what is created carries times from ahead, and is kept as history for
    /// so much longer.
    private func warnIfClockIsBehind() {
        let last = states.values.map(\.core.lastAppliedTime.nanoseconds).max() ?? 0
        let now = daemon.loop.wallClock()
        guard last > now, last - now > Self.unremarkableClockStepNanoseconds else { return }
        let seconds = (last - now) / 1_000_000_000
        daemon.logger.warning("the clock is \(seconds) s behind what was written here last; set it right")
    }

    package func start() throws {
        daemon.onShutdown { [self] done in stop(done) }
        exportGauges()
        watching = daemon.loop.task { [clockWatch, isBase = configuration.isBaseProtocolOnly] in
            await clockWatch.run(isBaseProtocolOnly: isBase)
        }
        registrar = Registrar(
            registry, loop: daemon.loop, logger: daemon.logger, location: configuration.location,
            slot: peers == nil ? nil : storage.member.slot
        ) { [unowned self] in isRegistered($0) }
        try startLoops()
        let shardLoops = shardLoops
        flusher = StateFlusher(
            storage, Self.flushing(hasPeers: peers != nil), StateFlusher.Environment(daemon.loop),
            logger: daemon.logger,
            applied: { [unowned self] then in gather(then) }, failed: { [daemon] error in daemon.fail(error) })
        startFeed()
        reportDisk()
        reportGroups()
        let (addresses, ports) = (configuration.listenAddresses, ports)
        ifFirst { [self] in
            guard !isStopping else { return }
            for shardLoop in shardLoops { shardLoop.submit { $0.start(listeningOn: addresses, ports) } }
        }
    }

    private func startFeed() {
        let (loop, registry, shards, shardLoops) = (daemon.loop, registry, configuration.shards, shardLoops)
        let archive = BlockServiceArchive(dataDirectory: configuration.dataDirectory)
        let environment = BlockServiceFeed.Environment(
            monotonic: { loop.monotonicNanoseconds },
            later: { nanoseconds, body in _ = loop.timer(afterNanoseconds: nanoseconds, body) },
            random: { UInt64.random(in: $0) },
            askForAll: { registry.call(AllBlockServicesDeprecatedRequest(), $0) },
            ask: { shard, answer in registry.call(ShardBlockServicesRequest(shardId: shard), answer) },
            keep: { [logger = daemon.logger] directory in
                loop.work {
                    try archive.save(directory)
                } then: { result in
                    guard case .failure(let error) = result else { return }
                    logger.warning("cannot keep the list of block services: \(error)")
                }
            })
        feed = BlockServiceFeed(
            environment, logger: daemon.logger, known: archive.load(), shards: { shards }
        ) { directory in
            for shardLoop in shardLoops { shardLoop.submit { $0.update(directory) } }
        }
        feed?.start()
    }

    /// About a second of replay, and a state buffer's worth of changes.
    private static func flushing(hasPeers: Bool) -> StateFlusher.Settings {
        StateFlusher.Settings(
            logBytes: 128 << 20, intervalNanoseconds: 300_000_000_000, lookNanoseconds: 2_000_000_000,
            keepsForPeers: hasPeers)
    }

    /// Asks every loop how far its shards are.
    private func gather(_ then: @escaping ([LogGroupID: LogIndex]) -> Void) {
        var applied = dormant
        var remaining = shardLoops.count
        let main = daemon.loop
        let collect = Handover<([LogGroupID: LogIndex]) -> Void> { indices in
            applied.merge(indices) { _, latest in latest }
            remaining -= 1
            if remaining == 0 { then(applied) }
        }
        for shardLoop in shardLoops {
            shardLoop.submit { shards in
                let indices = shards.trimIndices
                main.submit { collect.value(indices) }
            }
        }
    }

    private func reportDisk() {
        guard let first = configuration.shards.first, !configuration.isBaseProtocolOnly else { return }
        let (directory, storage) = (directory, storage)
        diskReporter = TroubleReporter(registry, loop: daemon.loop) { [configuration, logger = daemon.logger] in
            do throws(SystemError) {
                let room = try directory.room(isLogFull: storage.isFull)
                return ReportMetadataDiskRequest(
                    location: configuration.location, isCoordinator: false, shard: first, isFull: room.isFull,
                    freeBytes: room.freeBytes, wantedBytes: room.wantedBytes)
            } catch {
                logger.error("cannot tell how full the disk is: \(error)")
                return nil
            }
        }
    }

    /// Which groups stand still, or would with one more failure.
    private func reportGroups() {
        guard let first = configuration.shards.first, let peers, !configuration.isBaseProtocolOnly else { return }
        let (location, replica) = (configuration.location, ReplicaID(storage.member.slot))
        groupReporter = TroubleReporter(registry, loop: daemon.loop) { [loop = daemon.loop] in
            ReportGroupsRequest(
                location: location, isCoordinator: false, shard: first, replica: replica,
                groups: peers.watch.lasting(at: loop.monotonicNanoseconds) { GroupNumber(rawValue: $0.rawValue) })
        }
    }

    // MARK: Loops

    private func startLoops() throws {
        let surroundings = ShardLoop.Surroundings(
            clock: clock, storage: storage, peers: peers, logger: daemon.logger,
            counters: ShardCounters(daemon.counters), snapshots: SnapshotWriter(directory, logger: daemon.logger),
            keys: configuration.keys, isBaseProtocolOnly: configuration.isBaseProtocolOnly)
        let events = events()
        var clients: [LogGroupID: LoopBound<ClientRelay>] = [:]
        for number in 0..<configuration.loopCount {
            // Neighbouring shards on different loops: directories are dealt out to shards in turn.
            let shards = configuration.shards.enumerated()
                .filter { $0.offset % configuration.loopCount == number }.map(\.element)
            let (loop, thread) = try EventLoop.startThread(name: "shards-\(number)") { _ in }
            let shardLoop = ShardLoop(loop, shards.compactMap { states[$0] }, surroundings, events: events)
            clients.merge(shardLoop.clients) { relay, _ in relay }
            shardLoops.append(LoopBound(shardLoop, on: loop))
            threads.append(thread)
        }
        peers?.exchange.passOn(to: clients)
    }

    private func events() -> ShardLoop.Events {
        let main = daemon.loop
        let host = Handover(self)
        return ShardLoop.Events(
            listening: { shard, addresses in main.submit { host.value.isListening(shard, addresses) } },
            standing: { shard, standing in main.submit { host.value.registrar?.note(standing, of: shard) } },
            failed: { error in main.submit { host.value.daemon.fail(error) } },
            blockServicesAreMissing: { main.submit { host.value.feed?.hurry() } },
            flush: { flushed in main.submit { host.value.flusher?.makeDurable(flushed) } })
    }

    // MARK: Readiness

    private func isListening(_ shard: ShardID, _ addresses: [SocketAddress]) {
        guard !isStopping else { return }
        listening[shard] = addresses
        if listening.count == configuration.shards.count { rememberPorts() }
        registrar?.add(shard, at: addresses)
    }

    private func rememberPorts() {
        do throws(SystemError) {
            try ports.remember(listening)
        } catch {
            daemon.logger.warning("after a restart shards will have other ports: \(error)")
        }
    }

    private func isRegistered(_ shard: ShardID) {
        guard unregistered.remove(shard) != nil, unregistered.isEmpty else { return }
        daemon.ready(configuration.shards.first.flatMap { listening[$0] } ?? [])
    }

    private func exportGauges() {
        let (directory, host, clock) = (directory, storage.host, clock)
        daemon.counters.gauge("shard_clock_deviation_seconds") { clock.deviationSeconds.magnitude }
        daemon.counters.gauge("shard_state_memory_bytes") { UInt64(clamping: directory.stateMemoryBytes) }
        daemon.counters.gauge("shard_log_retained_bytes") { UInt64(clamping: host.retainedBytes) }
        daemon.counters.gauge("shard_log_syncs_total") { host.counters.syncs }
        daemon.counters.gauge("shard_log_entries_total") { host.counters.entries }
    }

    // MARK: Stopping

    /// Hands over what it leads, takes no more requests, answers what is in flight, flushes, and ends the loops.
    private func stop(_ done: @escaping () -> Void) {
        isStopping = true
        handOver { [self] in stopServing(done) }
    }

    private func stopServing(_ done: @escaping () -> Void) {
        watching?.cancel()
        daemon.loop.task { [clockWatch] in await clockWatch.close() }
        feed?.stop()
        registrar?.stop()
        flusher?.stop()
        diskReporter?.stop()
        groupReporter?.stop()
        registry.close()
        for shardLoop in shardLoops { shardLoop.submit { $0.drain() } }
        storage.closeLog()
        flushAndEnd(done)
    }

    private func flushAndEnd(_ done: @escaping () -> Void) {
        // Runs on each loop behind the last deliveries, which the closed log has left there.
        for shardLoop in shardLoops { shardLoop.submit { $0.close() } }
        for shardLoop in shardLoops { shardLoop.loop.stop() }
        for thread in threads { thread.join() }
        peers?.close()
        do {
            try storage.closeState(daemon.logger)
        } catch {
            daemon.logger.error("closing the state: \(error)")
        }
        done()
    }
}
