import Client
import CoordinatorCore
import Daemon
import EventLoop
import Logging
import Protocol
import Replicas
import ReplicatedLog
import Store

/// The coordinator with its sockets, log, state and registry. Confined to its daemon's loop.
package final class CdcService {
    private static let group = LogGroupID(rawValue: 0)
    private static func flushing(hasPeers: Bool) -> StateFlusher.Settings {
        StateFlusher.Settings(
            logBytes: 32 << 20, intervalNanoseconds: 60_000_000_000, lookNanoseconds: 10_000_000_000,
            keepsForPeers: hasPeers)
    }

    package struct Options {
        package var dataDirectory: String
        package var addresses: [SocketAddress]
        package var registries: [SocketAddress]
        package var keys: KeyRing
        package var shardTimeoutNanoseconds: UInt64 = 100_000_000
        package var location = LocationID.default
        /// Whether shards are asked for nothing that the base protocol does not have; otherwise the registry tells.
        package var isBaseProtocolOnly = false
        package var acceptsLostLogTail = false
        package var replicas = ReplicaPlan.alone

        package init(dataDirectory: String, addresses: [SocketAddress], registries: [SocketAddress], keys: KeyRing) {
            self.dataDirectory = dataDirectory
            self.addresses = addresses
            self.registries = registries
            self.keys = keys
        }
    }

    let daemon: Daemon
    let loop: EventLoop
    let logger: Logger
    let options: Options
    /// Signs what goes to shards and what comes from there.
    let key: MACKey
    /// Of requests that are not everybody's.
    let proofKey: MACKey?
    let directory: ReplicaDirectory
    let storage: ReplicaStorage
    /// The processes with the other replicas; nil: there are none.
    let peers: ReplicaPeers?
    let keeper: LaneKeeper
    let flusher: StateFlusher
    let pipeline: CoordinatorPipeline
    let clients: ClientRelay
    let shardSocket: UDPSocket
    let registry: RegistryLink
    let metrics: CdcMetrics

    let clock: ClusterClock
    let clockWatch: ClockWatch
    var watching: Task<Void, Never>?
    var ways = ClientWays()

    /// Opens log and state and replays; serves nothing yet.
    package init(_ daemon: Daemon, _ options: Options) throws {
        self.daemon = daemon
        self.options = options
        loop = daemon.loop
        logger = daemon.logger
        clock = ClusterClock(loop: daemon.loop)
        clockWatch = ClockWatch(clock, loop: daemon.loop, registries: options.registries) {
            [logger = daemon.logger] news in logger.log(level: news.isWrong ? .error : .notice, "\(news.sentence)")
        }
        daemon.counters.gauge("cdc_clock_deviation_seconds") { [clock] in clock.deviationSeconds.magnitude }
        guard let first = options.keys.coordinatorKeys.first else { preconditionFailure("the options ask for a key") }
        key = MACKey(first)
        proofKey = options.keys.proofKey(for: .coordinatorRequests).map { MACKey($0) }
        metrics = CdcMetrics(daemon.counters)
        var settings = CoordinatorOptions(defaultInfo: try .sternaRootDefault())
        settings.shardTimeoutNanoseconds = options.shardTimeoutNanoseconds
        settings.anybodyMayCloseNumbers = options.keys.takesWellKnown
        let directory = try ReplicaDirectory(
            options.dataDirectory,
            ReplicaDirectory.Options(
                stateMemoryBytes: 24 << 20, openFiles: 64, logSegmentBytes: 8 << 20,
                acceptsLostLogTail: options.acceptsLostLogTail), logger: daemon.logger)
        self.directory = directory
        let store = try GroupStore(over: directory.state, prefix: [])
        let open = { [settings] in try Coordinator(store: store, prefix: [], options: settings) }
        let coordinator = try open()
        let alarm = FullDiskAlarm("cdc", logger: daemon.logger, counters: daemon.counters)
        let storage = try ReplicaStorage(
            directory, [Self.group: coordinator], options.replicas.place, onShortage: { alarm.update($0) }
        ) { _, index, bytes in
            try coordinator.replay([UInt8](bytes), at: index)
        }
        self.storage = storage
        let loop = daemon.loop
        peers = try ReplicaPeers.ifAny(.coordinator, storage.member, options.replicas, keys: options.keys, daemon)
        keeper = LaneKeeper(
            LaneKeeper.Environment(
                on: loop, storage: storage, peers: peers, logger: daemon.logger,
                fail: { [daemon] in daemon.fail($0) }))
        let replica = keeper.open(Self.group, coordinator, StateHome(store, open: open))
        flusher = StateFlusher(
            storage, Self.flushing(hasPeers: peers != nil), StateFlusher.Environment(loop), logger: daemon.logger,
            applied: { $0([Self.group: replica.trimIndex]) }, failed: { [daemon] error in daemon.fail(error) })
        let snapshots = SnapshotWriter(directory, logger: daemon.logger)
        clients = ClientRelay(
            to: replica, over: peers?.exchange,
            ClientRelay.Counters(passedOn: metrics.relays, refused: metrics.clientDatagramsRefused),
            now: { loop.bootInstant }, isForReplica: Self.isForReplica)
        for address in options.addresses { clients.add(try UDPSocket(on: loop, binding: address)) }
        let shardSide = SocketAddress(address: options.addresses[0].address, port: 0)
        shardSocket = try UDPSocket(on: loop, binding: shardSide)
        registry = RegistryLink(
            on: loop, logger: daemon.logger, registries: options.registries, key: options.keys.cluster,
            location: options.location, slot: peers == nil ? nil : storage.member.slot,
            addresses: clients.sockets.map(\.localAddress))
        pipeline = CoordinatorPipeline(
            coordinator, log: replica,
            CoordinatorPipeline.Environment(
                monotonic: { loop.monotonicNanoseconds }, now: { [clock] in clock.now }, soon: { loop.submit($0) },
                later: { nanoseconds, body in _ = loop.timer(afterNanoseconds: nanoseconds, body) },
                firstRequestID: { UInt64.random(in: .min ... .max) },
                takeSnapshot: { number, done in snapshots.take(number, on: loop, then: done) },
                fail: { [daemon] in daemon.fail($0) }, isOpen: options.keys.takesWellKnown, metrics: metrics,
                logger: daemon.logger))
    }

    /// Begins to serve. What was begun before a crash goes on at once; the readiness line follows when the registry
    /// knows us.
    package func start() throws {
        pipeline.onReply = { [unowned self] in send($0) }
        pipeline.onShardSend = { [unowned self] in send($0) }
        clients.onDatagram = { [unowned self] in handle($0, $1) }
        shardSocket.onDatagram = { [unowned self] bytes, sender in receiveFromShard(bytes, sender) }
        pipeline.onLeading = { [unowned self] in
            registry.note(.leads(pipeline.log.term))
            clients.receiveHeld()
        }
        pipeline.onSteppingDown = { [unowned self] in registry.note(.isUnknown) }
        startReplicating()
        registry.onRegistered = { [unowned self] in daemon.ready(clients.sockets.map(\.localAddress)) }
        registry.onAbilities = { [unowned self] isBaseProtocolOnly in lead(isBaseProtocolOnly) }
        ifFirst { [unowned self] in
            keeper.start()
            pipeline.begin()
            registry.start(isBaseProtocolOnly: options.isBaseProtocolOnly ? true : nil)
        }
        watching = loop.task { [clockWatch, isBase = options.isBaseProtocolOnly] in
            await clockWatch.run(isBaseProtocolOnly: isBase)
        }
        if !options.isBaseProtocolOnly {
            registry.reportDisk { [directory, storage] () throws(SystemError) in
                try directory.room(isLogFull: storage.isFull)
            }
            if let peers { registry.report(peers.watch, in: storage.member.slot) }
        }
        exportGauges()
        daemon.onShutdown { [self] done in stop(done) }
    }

    private func exportGauges() {
        let host = storage.host
        daemon.counters.gauge("log_syncs_total") { host.counters.syncs }
        daemon.counters.gauge("log_retained_bytes") { UInt64(clamping: host.retainedBytes) }
    }

    private func lead(_ isBaseProtocolOnly: Bool) {
        if isBaseProtocolOnly {
            guard peers == nil else { return daemon.fail(UnfencedReplicas()) }
            logger.notice("the base protocol only: a late copy of a request to a shard may be carried out")
        }
        pipeline.lead(numbersRequests: !isBaseProtocolOnly)
    }
}
