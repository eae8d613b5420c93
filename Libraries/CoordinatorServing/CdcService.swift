import Client
import CoordinatorCore
import Daemon
import EventLoop
import Glibc
import Logging
import Protocol
import ReplicatedLog
import Store

/// The coordinator with its sockets, log, state and registry. Confined to its daemon's loop.
///
/// `@unchecked Sendable`: the loop's `submit` asks for it, and it is only ever submitted to the loop it is confined to.
package final class CdcService: @unchecked Sendable {
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
    let storage: CdcStorage
    let coordinator: Coordinator
    let clientSockets: [UDPSocket]
    let shardSocket: UDPSocket
    let registry: RegistryLink
    let metrics: CdcMetrics

    /// Log entries that the log had no room for, in order; they go first.
    var heldEntries: [[UInt8]] = []
    let clock: ClusterClock
    let clockWatch: ClockWatch
    var watching: Task<Void, Never>?
    /// Something may wait for the log because the clock does not agree with the registry's.
    private var isHeldByClock = false
    private var isPumpDue = false
    private var ticker: LoopTimer?
    var isStopping = false

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
        storage = try CdcStorage(
            directory: options.dataDirectory, on: daemon, coordinatorOptions: settings,
            acceptsLostLogTail: options.acceptsLostLogTail)
        storage.export(to: daemon.counters)
        coordinator = storage.coordinator
        let loop = daemon.loop
        clientSockets = try options.addresses.map { try UDPSocket(on: loop, binding: $0) }
        let shardSide = SocketAddress(address: options.addresses[0].address, port: 0)
        shardSocket = try UDPSocket(on: loop, binding: shardSide)
        registry = RegistryLink(
            on: loop, logger: daemon.logger, registries: options.registries, key: options.keys.cluster,
            location: options.location, addresses: clientSockets.map { $0.localAddress })
    }

    /// Begins to serve. What was begun before a crash goes on at once; the readiness line follows when the registry
    /// knows us.
    package func start() throws {
        storage.log.onDelivery = { [unowned self] entry in
            attempt { [self] () throws(CoordinatorFailure) in
                try coordinator.committed(entry.bytes, at: entry.index, now: loop.monotonicNanoseconds)
            }
        }
        storage.log.onStop = { [unowned self] error in
            if !isStopping { daemon.fail(error) }
        }
        for (index, socket) in clientSockets.enumerated() {
            socket.onDatagram = { [unowned self] bytes, sender in receiveFromClient(bytes, sender, socket: index) }
        }
        shardSocket.onDatagram = { [unowned self] bytes, sender in receiveFromShard(bytes, sender) }
        registry.onRegistered = { [unowned self] in daemon.ready(clientSockets.map { $0.localAddress }) }
        registry.onAbilities = { [unowned self] isBaseProtocolOnly in lead(isBaseProtocolOnly) }
        registry.start(isBaseProtocolOnly: options.isBaseProtocolOnly ? true : nil)
        watching = loop.task { [clockWatch, isBase = options.isBaseProtocolOnly] in
            await clockWatch.run(isBaseProtocolOnly: isBase)
        }
        if !options.isBaseProtocolOnly { registry.reportDisk { [storage] () throws(SystemError) in try storage.room() } }
        storage.startFlushing { [unowned self] error in daemon.fail(error) }
        daemon.onShutdown { [self] done in stop(done) }
    }

    private func lead(_ isBaseProtocolOnly: Bool) {
        if isBaseProtocolOnly {
            logger.notice("the base protocol only: a late copy of a request to a shard may be carried out")
        }
        attempt { () throws(CoordinatorFailure) in
            try coordinator.lead(
                firstRequestID: UInt64.random(in: .min ... .max), now: loop.monotonicNanoseconds,
                numbersRequests: !isBaseProtocolOnly)
        }
        logger.info("log applied up to \(coordinator.appliedIndex), \(coordinator.transactionCount) things to recover")
    }

    /// Runs what may stop the coordinator for good, and then lets everything out that it wants done.
    func attempt(_ body: () throws(CoordinatorFailure) -> Void) {
        do throws(CoordinatorFailure) {
            try body()
            pumpSoon()
        } catch {
            daemon.fail(error)
        }
    }

    /// Everything that this turn of the loop brings goes out together at its end: one log entry for many transactions.
    func pumpSoon() {
        guard !isPumpDue else { return }
        isPumpDue = true
        loop.submit { [unowned self] in
            isPumpDue = false
            pump()
        }
    }

    private func pump() {
        sendOutbox()
        do throws(CoordinatorFailure) {
            let time = clock.now
            isHeldByClock = time == nil
            if let time { propose(try coordinator.takeEntries(now: loop.monotonicNanoseconds, time: time)) }
        } catch {
            daemon.fail(error)
        }
        metrics.update(coordinator.statistics)
        adjustTicker()
    }

    /// Proposes entries in order; those that do not fit wait.
    func propose(_ entries: [[UInt8]]) {
        heldEntries += entries
        while let entry = heldEntries.first {
            do throws(ProposalRefusal) {
                _ = try storage.log.propose(entry)
                heldEntries.removeFirst()
            } catch .windowFull {
                return
            } catch {
                logger.error("log entry refused: \(error)")
                return
            }
        }
    }

    /// Time passes for the coordinator only while something waits for it: an idle coordinator sleeps.
    private func adjustTicker() {
        let isNeeded = coordinator.needsTicks || !heldEntries.isEmpty || isHeldByClock
        if isNeeded, ticker == nil {
            ticker = loop.timer(afterNanoseconds: 5_000_000, repeatingNanoseconds: 5_000_000) { [unowned self] in
                coordinator.tick(now: loop.monotonicNanoseconds)
                pump()
            }
        } else if !isNeeded {
            ticker?.cancel()
            ticker = nil
        }
    }
}
