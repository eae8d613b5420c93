import BlockRepair
import Client
import Daemon
import EventLoop
import Logging
import MaintenanceState
import Metrics
import Relayout

/// Evening out as a part of the daemon.
struct RebalanceDuty: EndlessDuty {
    private let rebalancer: Rebalancer<LiveRebalanceCluster>
    private let cluster: LiveRebalanceCluster
    private let client: Client
    private let firstDelayNanoseconds: UInt64

    init(_ context: GcContext, _ options: RelayoutOptions) {
        client = context.client
        firstDelayNanoseconds = UInt64(context.firstDelay) * 1_000_000_000
        var repairOptions = RepairOptions()
        repairOptions.bytesPerSecond = options.rebalanceBytesPerSecond
        cluster = LiveRebalanceCluster(
            client: context.client, registries: context.registries, repairCluster: context.repairCluster,
            repair: FileRepair(cluster: context.repairCluster, options: repairOptions))
        var settings = Rebalancer<LiveRebalanceCluster>.Settings()
        settings.margin = options.rebalanceMargin / 100
        let (logger, counters) = (context.logger, context.counters)
        rebalancer = Rebalancer(cluster: cluster, memory: context.state, settings: settings) { event in
            Self.tell(event, logger, counters)
        }
    }

    func run() async {
        await client.loop.sleep(nanoseconds: firstDelayNanoseconds)
        await rebalancer.run()
    }

    func close() async {
        await cluster.close()
    }

    private static func tell(_ event: Rebalancer<LiveRebalanceCluster>.Event, _ logger: Logger, _ counters: Counters) {
        switch event {
        case .moved(let disk, let bytes, let files):
            counters.counter("gc_rebalance_moved_bytes_total").add(bytes)
            counters.counter("gc_rebalance_moved_files_total").add(UInt64(files))
            logger.info("rebalance: \(bytes) bytes of \(files) files left disk \(disk)")
        case .notMoved(let disk, let spans, let failure):
            counters.counter("gc_rebalance_failed_spans_total").add(UInt64(clamping: spans))
            logger.warning("rebalance: blocks of \(spans) spans could not leave disk \(disk), one because \(failure)")
        case .stuck(let disk):
            logger.warning("rebalance: disk \(disk) is too full, but nothing on it can go where there is room")
        case .failed(let error): logger.warning("rebalance: \(error)")
        case .stateError(let error): logger.warning("rebalance: progress is not remembered: \(error)")
        }
    }
}
