import Client
import EventLoop
import Logging
import Protocol
import Replicas
import ReplicatedLog
import ShardCore

/// The shards of one event loop.
final class ShardLoop {
    /// What the process's main loop is told. Called on this loop.
    struct Events: Sendable {
        let listening: @Sendable (ShardID, [SocketAddress]) -> Void
        let failed: @Sendable (any Error) -> Void
        let blockServicesAreMissing: @Sendable () -> Void
    }

    private let loop: EventLoop
    private let events: Events
    private var servers: [ShardServer] = []
    private var isDraining = false

    /// On the loop.
    init(
        _ loop: EventLoop, clock: ClusterClock, cores: [ShardCore], storage: ReplicaStorage, logger: Logger,
        counters: ShardCounters, snapshots: SnapshotWriter, keys: KeyRing, isBaseProtocolOnly: Bool, events: Events
    ) {
        self.loop = loop
        self.events = events
        let lane = storage.host.lane(LaneLoop(loop))
        let environment = ShardServer.Environment(
            loop: loop, clock: clock, logger: logger, counters: counters,
            coordinatorKeys: keys.coordinatorKeys.map { MACKey($0) },
            proofKey: keys.proofKey(for: .shardRequests).map { MACKey($0) }, isOpen: keys.takesWellKnown,
            isBaseProtocolOnly: isBaseProtocolOnly, snapshots: snapshots,
            fail: { [unowned self] error in
                // The log also stops when it is closed in good order.
                if !isDraining { events.failed(error) }
            },
            blockServicesAreMissing: { events.blockServicesAreMissing() })
        servers = cores.map { core in
            ShardServer(core, storage.open(LogGroupID(core.shard), core, on: lane), environment)
        }
    }

    /// Makes all shards serve, new ones as soon as their first entry is durable.
    func start(listeningOn addresses: [SocketAddress], _ memory: PortMemory) {
        for server in servers {
            server.pipeline.onInitialised = { [unowned self, unowned server] in serve(server, addresses, memory) }
            server.pipeline.begin()
        }
    }

    private func serve(_ server: ShardServer, _ addresses: [SocketAddress], _ memory: PortMemory) {
        do throws(SystemError) {
            events.listening(server.core.shard, try server.listen(on: addresses, memory))
        } catch {
            events.failed(error)
        }
    }

    /// What the log may let go of when the state is flushed.
    var trimIndices: [LogGroupID: LogIndex] {
        Dictionary(uniqueKeysWithValues: servers.map { ($0.pipeline.log.id, $0.pipeline.log.trimIndex) })
    }

    /// Tells the shards what the registry says about block services.
    func update(_ blockServices: BlockServiceDirectory) {
        for server in servers { server.core.blockServices = blockServices.table(for: server.core.shard) }
    }

    /// Takes no more requests. What is in flight goes on until the log is closed.
    func drain() {
        isDraining = true
        for server in servers { server.pipeline.drain() }
    }

    /// After the log was closed: closes the sockets.
    func close() {
        for server in servers { server.close() }
    }
}
