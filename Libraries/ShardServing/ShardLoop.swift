import Client
import Consensus
import EventLoop
import Logging
import Protocol
import Replicas
import ReplicatedLog
import ShardCore
import Store

/// The shards of one event loop.
final class ShardLoop {
    /// What the process's main loop is told. Called on this loop.
    struct Events: Sendable {
        let listening: @Sendable (ShardID, [SocketAddress]) -> Void
        /// A shard is led here from now on, or by another replica that is known.
        let standing: @Sendable (ShardID, GroupStanding) -> Void
        let failed: @Sendable (any Error) -> Void
        let blockServicesAreMissing: @Sendable () -> Void
        /// The state has to become durable; then this is run, on any thread.
        let flush: @Sendable (@escaping @Sendable () -> Void) -> Void
    }

    /// What the shards of a process share.
    struct Surroundings {
        let clock: ClusterClock
        let storage: ReplicaStorage
        /// Nil: all its shards have one replica, here.
        let peers: ReplicaPeers?
        let logger: Logger
        let counters: ShardCounters
        let snapshots: SnapshotWriter
        let keys: KeyRing
        let isBaseProtocolOnly: Bool
    }

    private let loop: EventLoop
    private let events: Events
    private let peers: ReplicaPeers?
    private let keeper: LaneKeeper
    private var servers: [ShardServer] = []
    private var standings: [ShardID: GroupStanding] = [:]
    private var isDraining = false
    private let logger: Logger

    /// On the loop.
    init(_ loop: EventLoop, _ states: [HostedShard], _ surroundings: Surroundings, events: Events) {
        self.loop = loop
        self.events = events
        logger = surroundings.logger
        peers = surroundings.peers
        keeper = LaneKeeper(
            on: loop,
            LaneKeeper.Environment(
                storage: surroundings.storage, peers: peers, logger: logger, fail: events.failed))
        keeper.onFlush = events.flush
        servers = states.map { state in
            let replica = keeper.open(
                LogGroupID(state.core.shard), state.core, StateHome(state.store, open: state.reopen))
            return ShardServer(state.core, replica, environment(surroundings))
        }
    }

    private func environment(_ surroundings: Surroundings) -> ShardServer.Environment {
        let keys = surroundings.keys
        return ShardServer.Environment(
            loop: loop, clock: surroundings.clock, logger: logger, counters: surroundings.counters,
            coordinatorKeys: keys.coordinatorKeys.map { MACKey($0) },
            proofKey: keys.proofKey(for: .shardRequests).map { MACKey($0) }, isOpen: keys.takesWellKnown,
            isBaseProtocolOnly: surroundings.isBaseProtocolOnly, snapshots: surroundings.snapshots,
            exchange: peers?.exchange,
            fail: { [unowned self] error in
                // The log also stops when it is closed in good order.
                if !isDraining { events.failed(error) }
            },
            blockServicesAreMissing: { [events] in events.blockServicesAreMissing() })
    }

    /// Makes all shards listen and take part in their groups.
    func start(listeningOn addresses: [SocketAddress], _ memory: PortMemory) {
        for server in servers {
            let (pipeline, shard) = (server.pipeline, server.core.shard)
            pipeline.onLeading = { [unowned self, unowned server] in
                note(.leads(server.pipeline.log.term), of: shard)
                server.clients.receiveHeld()
            }
            pipeline.log.onFollowing = { [unowned self, unowned server] in
                note(.isLedElsewhere, of: shard)
                server.clients.receiveHeld()
            }
            pipeline.onSteppingDown = { [unowned self] in note(.isUnknown, of: shard) }
            do throws(SystemError) {
                events.listening(shard, try server.listen(on: addresses, memory))
            } catch {
                return events.failed(error)
            }
        }
        keeper.start()
        for server in servers { server.pipeline.begin() }
    }

    private func note(_ standing: GroupStanding, of shard: ShardID) {
        guard standings.updateValue(standing, forKey: shard) != standing else { return }
        events.standing(shard, standing)
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
        keeper.stop()
        for server in servers { server.clients.close() }
    }
}

// MARK: - Other replicas

extension ShardLoop {
    /// Lets others lead; `done` is called on the loop.
    func handOver(_ done: @escaping () -> Void) { keeper.handOver(done) }

    /// What the shards have to do with clients, for those that pass on.
    var clients: [GroupNumber: LoopBound<ClientRelay>] {
        let relays = servers.map { (GroupNumber($0.core.shard), LoopBound($0.clients, on: loop)) }
        return Dictionary(uniqueKeysWithValues: relays)
    }
}
