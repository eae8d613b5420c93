import BlockRepair
import Client
import Daemon
import EventLoop
import GarbageCollection
import Logging
import MaintenanceState
import Metrics
import Protocol

/// What all duties of the daemon share.
struct GcContext: Sendable {
    let client: Client
    let registries: [SocketAddress]
    let logger: Logger
    let counters: Counters
    let state: MaintenanceState
    /// `--data`.
    let directory: String
    /// For the duties that free space.
    let cluster: LiveCluster
    /// For all that replace blocks.
    let repairCluster: LiveRepairCluster
    let firstDelay: UInt32
    private let clockWatch: ClockWatch
    private let watching: Task<Void, Never>

    /// Makes the client; call it on the daemon's loop.
    init(
        _ daemon: Daemon, registries: [SocketAddress], key: ClusterKey?, state: MaintenanceState, rest: ClockRest,
        directory: String, requestsPerSecond: UInt32, firstDelay: UInt32, isBaseProtocolOnly: Bool
    ) throws(ClientError) {
        var options = ClientOptions()
        options.isBaseProtocolOnly = isBaseProtocolOnly
        // What is read is read once. Memory for blocks under repair is used again.
        options.readCacheBytes = 16 << 20
        options.pendingWriteBytes = 64 << 20
        options.clusterKey = key
        client = try Client(loop: daemon.loop, registries: registries, options: options)
        self.registries = registries
        logger = daemon.logger
        counters = daemon.counters
        self.state = state
        self.directory = directory
        self.firstDelay = firstDelay
        let clock = ClusterClock(loop: daemon.loop)
        let clockWatch = ClockWatch(clock, loop: daemon.loop, registries: registries) { [logger] news in
            logger.log(level: news.isWrong ? .error : .notice, "\(news.sentence)")
        }
        self.clockWatch = clockWatch
        watching = daemon.loop.task { await clockWatch.run(isBaseProtocolOnly: isBaseProtocolOnly) }
        daemon.counters.gauge("gc_clock_deviation_seconds") { clock.deviationSeconds.magnitude }
        cluster = LiveCluster(
            client: client, clock: clock, rest: rest, registries: registries, requestsPerSecond: requestsPerSecond)
        repairCluster = LiveRepairCluster(
            client: client, registries: registries, requestsPerSecond: requestsPerSecond)
    }

    /// Fails what is under way.
    func close() async {
        watching.cancel()
        await clockWatch.close()
        await cluster.close()
        await repairCluster.close()
        await client.close()
    }
}
