import CoordinatorCore
import CoordinatorServing
import EventLoop
import Metrics
import Protocol
import Replicas
import ReplicatedLog

/// The coordinator's process, or one of several: the real pipeline, over simulated messages instead of packets.
final class CoordinatorMachine: ReplicaMachine {
    static let group = LogGroupID(rawValue: 0)
    /// Five times that of the service: most of a run's events would be ticks otherwise.
    private static let tick: UInt64 = 25_000_000
    /// The registry is not asked for the shards more often.
    private static let refreshPause: UInt64 = 200_000_000

    private(set) var pipeline: CoordinatorPipeline?
    private var relay: ClientRelay?
    private var socket: SimulatedSocket?
    private var ways = ClientWays()
    private var clockQuestions: ClockQuestions?
    /// Where the shards are, as far as the registry has told.
    private var shards = ShardAddresses()
    private var isRefreshing = false
    /// Who listens at an address.
    var endpointAt: ((SocketAddress) -> Endpoint?)?

    init(_ site: ReplicaSite, slot: Int, _ world: World, _ network: Network, _ options: ClusterOptions) {
        super.init(.coordinator(slot), .coordinator, site, slot: slot, options, options.log, world, network)
        if slot == 0 { site.begin(Self.group, at: slot) }
    }

    /// Of the replica that leads.
    var core: Coordinator? { pipeline.flatMap { $0.log.serves ? $0.coordinator : nil } }

    override func boot() throws {
        var settings = CoordinatorOptions(defaultInfo: options.rootInfo)
        settings.directoryReservation = options.directoryReservation
        // The faults have strangers do so.
        settings.anybodyMayCloseNumbers = true
        let state = try StoredGroup(over: disk.state, prefix: [])
        let open = { [settings] in try Coordinator(store: state.store, prefix: [], options: settings) }
        let core = try open()
        try openStorage([Self.group: (core, state)]) { _, index, bytes in
            try core.replay([UInt8](bytes), at: index)
        }
        guard let entries = self.open(Self.group, core, state, reopen: open) else { return }
        let pipeline = CoordinatorPipeline(core, log: entries, environment)
        pipeline.onReply = { [unowned self] in send($0) }
        pipeline.onShardSend = { [unowned self] in send($0) }
        let relay = passOn(entries)
        pipeline.onLeading = { [unowned self, unowned relay] in
            leads(Self.group)
            relay.receiveHeld()
        }
        entries.onFollowing = { [unowned relay] in relay.receiveHeld() }
        pipeline.onSteppingDown = { [unowned self] in standingChanged() }
        self.pipeline = pipeline
        watch(entries)
        log?.start()
        pipeline.begin()
        network.attach(.coordinator(slot), of: id) { [unowned self] message, sender in receive(message, from: sender) }
        network.attach(.coordinatorBack(slot), of: id) { [unowned self] message, _ in receiveAnswer(message) }
        pipeline.lead(numbersRequests: true)
        clockQuestions = watchClock(options)
    }

    override func halt() {
        super.halt()
        pipeline = nil
        relay = nil
        socket = nil
        ways = ClientWays()
        clockQuestions = nil
        shards = ShardAddresses()
        isRefreshing = false
        network.detach(.coordinator(slot))
        network.detach(.coordinatorBack(slot))
    }

    override func drain(_ done: @escaping () -> Void) {
        if let pipeline { pipeline.finish(done) } else { done() }
    }

    private var environment: CoordinatorPipeline.Environment {
        CoordinatorPipeline.Environment(
            monotonic: { [unowned self] in world.now }, now: { [unowned self] in clusterClock.now },
            soon: { [unowned self] body in after(10_000, body) },
            later: { [unowned self] nanoseconds, body in after(nanoseconds, body) },
            firstRequestID: { [unowned self] in world.random.next() },
            takeSnapshot: { _, done in done(false) },
            fail: { [unowned self] error in
                if let error = error as? LogError { logStopped(error) } else { fail(error) }
            },
            isOpen: true, metrics: CdcMetrics(Counters()), logger: logger, tickNanoseconds: Self.tick)
    }

    // MARK: Clients

    private func receive(_ message: Message, from sender: Endpoint) {
        guard case .coordinatorRequest = message.body, let client = sender.socketAddress else { return }
        guard pipeline?.log.route(isPassedOn: false) == .here else {
            socket?.receive(message, from: client)
            return
        }
        handle(message, ClientWay(of: client, socket: 0))
    }

    private func handle(_ message: Message, _ way: ClientWay) {
        guard case .coordinatorRequest(let request) = message.body, case .client(let number)? = Endpoint(way.client)
        else { return }
        let origin = RequestOrigin(source: UInt64(number), requestID: message.id)
        ways.note(way, of: origin)
        pipeline?.handle(request, from: origin)
    }

    /// What clients send here while another replica leads, and what is passed on to here.
    private func passOn(_ replica: Replica) -> ClientRelay {
        let counters = Counters()
        let relay = ClientRelay(
            to: replica, over: exchange,
            ClientRelay.Counters(passedOn: counters.counter("passed on"), refused: counters.counter("refused")),
            now: { [clock] in clock.boot }, isForReplica: { _ in false })
        let socket = SimulatedSocket(.coordinator(slot), network, world)
        relay.add(socket)
        relay.onDatagram = { [unowned self] datagram, way in
            guard let message = Message(datagram) else {
                return world.find("\(id) cannot read what was passed on to it")
            }
            handle(message, way)
        }
        let passing = Handover(relay)
        exchange?.relays.request = { request, follower in passing.value.receive(request, from: follower) }
        exchange?.relays.answer = { answer in passing.value.receive(answer) }
        (self.relay, self.socket) = (relay, socket)
        return relay
    }

    private func send(_ reply: ClientReply) {
        let message = Message(id: reply.origin.requestID, body: .coordinatorAnswer(reply.result))
        let way = ways.take(reply.origin)
        if let way, way.relay != nil, let relay { return relay.answer(way, message, world) }
        network.send(message, from: .coordinator(slot), to: .client(Int(reply.origin.source)))
    }

    // MARK: Shards

    private func send(_ request: ShardSend) {
        if request.attempt >= 3 { refreshShards() }
        let message = Message(id: request.requestID, isSigned: true, body: .shardRequest(request.request))
        for endpoint in endpoints(of: request) {
            network.send(message, from: .coordinatorBack(slot), to: endpoint)
        }
    }

    /// All shards exist in a real cluster from the start; here those that nobody has used yet are where they will be.
    private func endpoints(of request: ShardSend) -> [Endpoint] {
        let known = shards.addresses(of: request.shard, attempt: request.attempt)
        if known.isEmpty {
            refreshShards()
            return [.shard(request.shard, Int.random(in: 0..<site.size, using: &world.random))]
        }
        return known.compactMap { endpointAt?($0) }
    }

    private func refreshShards() {
        guard !isRefreshing else { return }
        isRefreshing = true
        registry.ask(.localShards(LocalShardsRequest())) { [unowned self] answer in
            if case .success(.localShards(let all))? = answer { shards.update(all.shards) }
            after(Self.refreshPause) { [unowned self] in isRefreshing = false }
        }
    }

    private func receiveAnswer(_ message: Message) {
        guard case .shardAnswer(let answer) = message.body, message.isSigned else { return }
        pipeline?.handle(answer, toRequest: message.id)
    }
}
