import Daemon
import EventLoop
import Logging
import Protocol
import RegistryCore
import Replicas
import ReplicatedLog
import Store

/// A running registry.
package final class RegistryService {
    private static let group = LogGroupID(rawValue: 0)
    private static func flushing(hasPeers: Bool) -> StateFlusher.Settings {
        StateFlusher.Settings(
            logBytes: 24 << 20, intervalNanoseconds: 600_000_000_000, lookNanoseconds: 10_000_000_000,
            keepsForPeers: hasPeers)
    }
    private static let tickNanoseconds: UInt64 = 10_000_000_000
    /// How often the registry refreshes its own row.
    private static let registrationNanoseconds: UInt64 = 120_000_000_000
    private static let readyLookNanoseconds: UInt64 = 100_000_000

    private let daemon: Daemon
    private let directory: ReplicaDirectory
    private let storage: ReplicaStorage
    /// The processes with the other replicas; nil: there are none.
    private let peers: ReplicaPeers?
    private let keeper: LaneKeeper
    private let flusher: StateFlusher
    private let pipeline: RegistryPipeline
    private let server: RegistryServer
    /// Nil: there are no other replicas.
    private let relay: RegistryRelay?
    private let configuration: RegistryConfiguration
    private let addresses: [SocketAddress]
    private let alarms: AlarmBoard
    private let watch: ClusterWatch?
    private var watching: Task<Void, Never>?
    private var timers: [LoopTimer] = []
    private var readyTimer: LoopTimer?

    /// - Parameter hasFilesIntervalNanoseconds: pause between two rounds of questions to the shards; 0 = never.
    package init(
        on daemon: Daemon, dataDirectory: String, keys: KeyRing, addresses: [SocketAddress],
        connections: ConnectionLimits, configuration: RegistryConfiguration, hasFilesIntervalNanoseconds: UInt64,
        acceptsLostLogTail: Bool, replicas: ReplicaPlan = .alone
    ) throws {
        var configuration = configuration
        configuration.replica = ReplicaID(rawValue: replicas.place.slot.rawValue)
        self.daemon = daemon
        self.configuration = configuration
        directory = try ReplicaDirectory(
            dataDirectory,
            ReplicaDirectory.Options(
                stateMemoryBytes: 16 << 20, logSegmentBytes: 4 << 20, acceptsLostLogTail: acceptsLostLogTail),
            logger: daemon.logger)
        let store = try GroupStore(over: directory.state, prefix: [])
        let open = { [configuration] in try RegistryCore(store: store, prefix: [], configuration: configuration) }
        let core = try open()
        let alarm = FullDiskAlarm("registry", logger: daemon.logger, counters: daemon.counters)
        storage = try ReplicaStorage(
            directory, [Self.group: core], replicas.place, onShortage: { alarm.update($0) }
        ) { _, index, bytes in
            _ = try core.apply([UInt8](bytes), at: index)
        }
        peers = try ReplicaPeers.ifAny(.registry, storage.member, replicas, keys: keys, daemon)
        keeper = LaneKeeper(
            LaneKeeper.Environment(
                on: daemon.loop, storage: storage, peers: peers, logger: daemon.logger,
                fail: { [daemon] in daemon.fail($0) }))
        let replica = keeper.open(Self.group, core, StateHome(store, open: open))
        flusher = StateFlusher(
            storage, Self.flushing(hasPeers: peers != nil), StateFlusher.Environment(daemon.loop),
            logger: daemon.logger,
            applied: { $0([Self.group: replica.trimIndex]) }, failed: { [daemon] error in daemon.fail(error) })
        pipeline = RegistryPipeline(
            core, log: replica,
            RegistryPipeline.Environment(
                wall: { [loop = daemon.loop] in Timestamp(nanoseconds: loop.wallClock()) },
                boot: { [loop = daemon.loop] in loop.bootNanoseconds },
                monotonic: { [loop = daemon.loop] in loop.monotonicNanoseconds },
                later: { [loop = daemon.loop] nanoseconds, body in
                    _ = loop.timer(afterNanoseconds: nanoseconds, body)
                },
                clockIsDisputed: { [logger = daemon.logger] in Self.report($0, to: logger) },
                fail: { [daemon] in daemon.fail($0) }, entries: daemon.counters.counter("registry_log_entries_total")))
        relay = peers.map { [pipeline, loop = daemon.loop] peers in
            RegistryRelay(pipeline, over: peers.exchange) { nanoseconds, body in
                _ = loop.timer(afterNanoseconds: nanoseconds, body)
            }
        }
        server = RegistryServer(
            pipeline: pipeline, access: RegistryAccess(keys), loop: daemon.loop, connections, counters: daemon.counters)
        self.addresses = try server.listen(on: addresses)
        alarms = AlarmBoard(logger: daemon.logger, counters: daemon.counters)
        watch =
            hasFilesIntervalNanoseconds == 0
            ? nil
            : ClusterWatch(
                daemon: daemon, pipeline: pipeline, registries: self.addresses,
                intervalNanoseconds: hasFilesIntervalNanoseconds)
    }

    /// Registers itself, then reports readiness.
    package func start() {
        daemon.onShutdown { [self] done in stop(done) }
        repeating(Self.tickNanoseconds) { [self] in tick() }
        repeating(Self.registrationNanoseconds) { [self] in if pipeline.leads { register() } }
        noteDisk()
        readyTimer = daemon.loop.timer(
            afterNanoseconds: Self.readyLookNanoseconds, repeatingNanoseconds: Self.readyLookNanoseconds
        ) { [self] in if storage.isFull { ready() } }
        pipeline.onServing = { [unowned self] in
            tick()
            register { [self] in ready() }
        }
        keeper.onFlush = { [unowned self] flushed in flusher.makeDurable(flushed) }
        pipeline.onFollowing = { [unowned self] in ready() }
        startRelaying()
        keeper.start()
        pipeline.begin()
        watching = watch.map { watch in daemon.loop.task { await watch.run() } }
    }

    /// What other replicas pass on comes to the loop.
    private func startRelaying() {
        guard let relay, let peers else { return }
        let calls = LoopBound(relay, on: daemon.loop)
        let gate = RelayGate(limit: RegistryPipeline.maximumWaiting)
        peers.exchange.relays.call = { call, follower in gate.pass(calls) { $0.receive(call, from: follower) } }
        peers.exchange.relays.reply = { reply in calls.submit { $0.receive(reply) } }
    }

    /// Registered, or another replica is known to lead, or on a full disk, where everybody can read until there is
    /// room.
    private func ready() {
        guard let readyTimer else { return }
        readyTimer.cancel()
        self.readyTimer = nil
        daemon.ready(addresses)
    }

    private func repeating(_ nanoseconds: UInt64, _ body: @escaping () -> Void) {
        timers.append(daemon.loop.timer(afterNanoseconds: nanoseconds, repeatingNanoseconds: nanoseconds, body))
    }

    private func tick() {
        pipeline.tick()
        noteDisk()
        if let peers {
            pipeline.noteOwnGroup(
                peers.watch.lasting(at: daemon.loop.monotonicNanoseconds) { _ in .registry })
        }
        alarms.update(pipeline.alarms(needs: watch?.needs ?? []))
    }

    private func noteDisk() {
        do throws(SystemError) {
            pipeline.noteOwnDisk(try directory.room(isLogFull: storage.isFull))
        } catch {
            daemon.logger.error("cannot tell how full the disk is: \(error)")
        }
    }

    private static func report(_ disputedSeconds: Int64, to logger: Logger) {
        guard disputedSeconds != 0 else { return logger.notice("the clock is followed again") }
        let way = "\(disputedSeconds.magnitude) s \(disputedSeconds > 0 ? "forwards" : "back")"
        let minutes = SteadyClock.lastingNanoseconds / 60_000_000_000
        logger.error(
            """
            the clock was set \(way); that is followed in \(minutes) minutes, or after a restart, unless it is put \
            right
            """)
    }

    /// The leader enters itself.
    private func register(_ registered: (() -> Void)? = nil) {
        guard pipeline.leads else { return }
        pipeline.handle(registration) { [daemon, isAlone = peers == nil] reply in
            switch reply {
            case .success: registered?()
            case .failure(let error) where isAlone: daemon.fail(RegistrationFailure(code: error))
            // Others would fare no better, one after the other, and everybody else could do without this row.
            case .failure(let error): daemon.logger.error("\(RegistrationFailure(code: error))")
            case nil: daemon.logger.warning("the registry could not renew its own registration")
            }
        }
    }

    private var registration: AnyRegistryRequest {
        let own = AddrsInfo(addresses)
        guard peers != nil else {
            return .registerRegistry(
                RegisterRegistryRequest(
                    replicaId: configuration.replica, location: configuration.location, isLeader: true, addrs: own,
                    bootstrap: false))
        }
        return .registerReplica(
            RegisterReplicaRequest(
                group: .registry, replica: configuration.replica, location: configuration.location,
                term: pipeline.log.term, addrs: own))
    }

    private func stop(_ done: @escaping () -> Void) {
        keeper.handOver { [self] in stopServing(done) }
    }

    private func stopServing(_ done: @escaping () -> Void) {
        for timer in timers { timer.cancel() }
        readyTimer?.cancel()
        guard let watch else { return stopRest(done) }
        watching?.cancel()
        daemon.loop.task { [watching] in
            await watch.close()
            await watching?.value
        } then: { [self] _ in
            stopRest(done)
        }
    }

    private func stopRest(_ done: @escaping () -> Void) {
        keeper.stop()
        server.close()
        pipeline.willClose()
        flusher.stop()
        // Until then entries are delivered to the pipeline.
        storage.close(on: daemon.loop, daemon.logger) { [self] in
            peers?.close()
            done()
        }
    }
}

/// The registry could not enter itself: its location does not exist, or its address contradicts what it enforces.
struct RegistrationFailure: Error, CustomStringConvertible {
    let code: ProtocolError

    var description: String { "the registry cannot register itself: \(code)" }
}
