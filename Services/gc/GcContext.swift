import BlockRepair
import Client
import Daemon
import EventLoop
import GarbageCollection
import Logging
import MaintenanceState

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

    /// Makes the client; call it on the daemon's loop.
    init(
        _ daemon: Daemon, registries: [SocketAddress], state: MaintenanceState, directory: String,
        requestsPerSecond: UInt32, firstDelay: UInt32, isBaseProtocolOnly: Bool
    ) throws(ClientError) {
        var options = ClientOptions()
        options.isBaseProtocolOnly = isBaseProtocolOnly
        // What is read is read once. Memory for blocks under repair is used again.
        options.readCacheBytes = 16 << 20
        options.pendingWriteBytes = 64 << 20
        client = try Client(loop: daemon.loop, registries: registries, options: options)
        self.registries = registries
        logger = daemon.logger
        counters = daemon.counters
        self.state = state
        self.directory = directory
        self.firstDelay = firstDelay
        cluster = LiveCluster(client: client, registries: registries, requestsPerSecond: requestsPerSecond)
        repairCluster = LiveRepairCluster(
            client: client, registries: registries, requestsPerSecond: requestsPerSecond)
    }

    /// Fails what is under way.
    func close() async {
        await cluster.close()
        await repairCluster.close()
        await client.close()
    }
}
