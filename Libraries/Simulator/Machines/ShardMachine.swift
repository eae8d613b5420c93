import Client
import EventLoop
import Metrics
import Protocol
import Replicas
import ReplicatedLog
import ShardCore
import ShardServing

/// A process of shards, or one of several with replicas of the same: the real pipelines of its shards, over simulated
/// messages instead of packets.
///
/// All 256 shards exist in a real process from the start; here they are made when the first request for them comes.
final class ShardMachine: ReplicaMachine {
    let number: Int
    private let watch: ShardWatch
    private var pipelinesByShard: [ShardID: ShardPipeline] = [:]
    private var relays: [ShardID: (relay: ClientRelay, socket: SimulatedSocket)] = [:]
    /// What the registry said last.
    private var blockServices = BlockServiceDirectory()
    /// The same on the disk.
    private var kept: BlockServiceDirectory?
    private var feed: BlockServiceFeed?
    private var clockQuestions: ClockQuestions?
    private var counters = ShardCounters(Counters())
    private var caches = ShardCacheBudget()

    init(
        _ number: Int, _ site: ReplicaSite, slot: Int, _ world: World, _ network: Network, _ options: ClusterOptions,
        watch: ShardWatch
    ) {
        self.number = number
        self.watch = watch
        super.init(.shards(number, slot), .shards, site, slot: slot, options, options.log, world, network)
        site.onBegin[slot] = { [unowned self] group in
            if isUp { begin(ShardID(group)) }
        }
        // That of the root is asked for first, by those who know nothing but it.
        let root = InodeID.root.shard
        if slot == 0, Int(root.rawValue) % options.shardMachines == number { site.begin(LogGroupID(root), at: slot) }
    }

    private var hosted: [ShardID] {
        (0...UInt8.max).filter { Int($0) % options.shardMachines == number }.map(ShardID.init(rawValue:))
    }

    /// Shards that are in use.
    var shardsInUse: [ShardID] { site.groups.map { ShardID($0) } }

    /// Of the shards that are in use now.
    var pipelines: [ShardPipeline] { shardsInUse.compactMap { pipelinesByShard[$0] } }
    var cores: [ShardCore] { pipelines.map(\.core) }

    func standing(of shard: ShardID) -> GroupStanding {
        let standing = standing(in: LogGroupID(shard))
        // Nobody is told of a shard before its first entry is durable.
        if case .leads = standing, pipelinesByShard[shard]?.core.isInitialised != true { return .isUnknown }
        return standing
    }

    // MARK: Life

    override func boot() throws {
        caches = ShardCacheBudget(limitBytes: options.shardCacheBytes)
        counters = ShardCounters(Counters())
        var states: [LogGroupID: (machine: any ReplicatedState, stored: StoredGroup)] = [:]
        var cores: [LogGroupID: ShardCore] = [:]
        for shard in shardsInUse {
            let state = try StoredGroup(over: disk.state, prefix: [shard.rawValue])
            let core = try makeCore(shard, state)
            cores[LogGroupID(shard)] = core
            states[LogGroupID(shard)] = (core, state)
        }
        try openStorage(states) { [watch] group, index, bytes in
            guard let core = cores[group] else { return }
            let entry = try ShardLogEntry(decoding: bytes)
            watch.replayed(entry, try core.apply(entry, at: index), core)
        }
        var opened: [ShardPipeline] = []
        for shard in shardsInUse {
            guard let core = cores[LogGroupID(shard)], let state = states[LogGroupID(shard)]?.stored else { continue }
            watch.restarted(core, isAlone: site.isAlone)
            if let pipeline = open(core, state) { opened.append(pipeline) }
        }
        passOn()
        log?.start()
        for pipeline in opened { pipeline.begin() }
        for shard in hosted { attach(shard) }
        clockQuestions = watchClock(options)
        startFeed()
    }

    override func halt() {
        super.halt()
        pipelinesByShard = [:]
        relays = [:]
        clockQuestions = nil
        // What is not synced before it takes its place may be lost.
        if world.random.perMille(100) { kept = nil }
        blockServices = kept ?? BlockServiceDirectory()
        feed = nil
        for shard in hosted { network.detach(.shard(shard, slot)) }
    }

    override func drain(_ done: @escaping () -> Void) {
        for pipeline in pipelines { pipeline.drain() }
        // Some of what is in flight becomes durable.
        after(world.random.spread(1_000_000...1_000_000_000), done)
    }

    /// The disk is another one.
    func loseWhatIsKept() { kept = nil }

    private func makeCore(_ shard: ShardID, _ state: StoredGroup) throws -> ShardCore {
        try ShardCore(
            store: state.store, shard: shard, transientLifetimeNanoseconds: options.transientLifetime,
            minimumHistoryAgeNanoseconds: ClusterOptions.minimumHistoryAge,
            supersededGraceNanoseconds: ClusterOptions.supersededGrace, blockServices: blockServices.table(for: shard),
            cacheBudget: caches, ownershipLimit: options.ownershipLimit)
    }

    private func attach(_ shard: ShardID) {
        network.attach(.shard(shard, slot), of: id) { [unowned self] message, sender in
            receive(message, sender, shard)
        }
    }

    private func open(_ core: ShardCore, _ state: StoredGroup) -> ShardPipeline? {
        let shard = core.shard
        let group = LogGroupID(shard)
        guard
            let hosted = open(
                group, core, state, reopen: { [unowned self] in try makeCore(shard, state) })
        else { return nil }
        let pipeline = ShardPipeline(core, log: hosted, settings: options.log.settings, environment)
        pipeline.onAnswer = { [unowned self] reply, source, _ in answer(reply, source, from: shard) }
        pipeline.onApply = { [unowned self, unowned pipeline] entry, reply, source in
            watch.applied(entry, reply, pipeline.core, requestID: source?.requestID)
        }
        let relay = passOn(hosted, shard, pipeline)
        pipeline.onLeading = { [unowned self, unowned pipeline, unowned relay] in
            watch.leads(pipeline.core)
            leads(group)
            relay.receiveHeld()
        }
        hosted.onFollowing = { [unowned relay] in relay.receiveHeld() }
        pipeline.onSteppingDown = { [unowned self] in standingChanged() }
        watch(hosted)
        pipelinesByShard[shard] = pipeline
        return pipeline
    }

    private var environment: ShardPipeline.Environment {
        ShardPipeline.Environment(
            now: { [unowned self] in clusterClock.now },
            later: { [unowned self] nanoseconds, body in after(nanoseconds, body) },
            makeGenesis: { [unowned self] in
                ShardGenesis(
                    cookieKey: SecretKey(low: world.random.next(), high: world.random.next()),
                    rootInfo: options.rootInfo)
            },
            takeSnapshot: { _, done in done(false) },
            blockServicesAreMissing: { [unowned self] in feed?.hurry() },
            fail: { [unowned self] error in
                if let error = error as? LogError { logStopped(error) } else { fail(error) }
            },
            isOpen: true, counters: counters, logger: logger)
    }

    // MARK: Requests

    private func receive(_ message: Message, _ sender: Endpoint, _ shard: ShardID) {
        guard case .shardRequest(let request) = message.body, let address = sender.socketAddress else { return }
        guard let pipeline = pipelinesByShard[shard] else { return site.begin(LogGroupID(shard), at: slot) }
        // A service tells nobody its address before its first entry is durable.
        guard pipeline.core.isInitialised || !site.isAlone else { return }
        guard pipeline.log.route(isPassedOn: false) == .here else {
            relays[shard]?.socket.receive(message, from: address)
            return
        }
        handle(request, message, ClientWay(of: address, socket: 0), pipeline)
    }

    private func handle(
        _ request: AnyShardRequest, _ message: Message, _ way: ClientWay, _ pipeline: ShardPipeline
    ) {
        let source = RequestSource(way, requestID: message.id, signer: message.isSigned ? 0 : nil)
        do throws(DecodeError) {
            try pipeline.handle(request, from: source)
        } catch {
            // It makes no sense, and gets no answer.
        }
    }

    /// What clients send here while another replica leads, and what is passed on to here.
    private func passOn(_ replica: Replica, _ shard: ShardID, _ pipeline: ShardPipeline) -> ClientRelay {
        let relay = ClientRelay(
            to: replica, over: exchange,
            ClientRelay.Counters(passedOn: counters.relays, refused: counters.undecodable),
            now: { [clock] in clock.boot }, isForReplica: { _ in false })
        let socket = SimulatedSocket(.shard(shard, slot), network, world)
        relay.add(socket)
        relay.onDatagram = { [unowned self, unowned pipeline] datagram, way in
            guard let message = Message(datagram), case .shardRequest(let request) = message.body else {
                return world.find("\(id) cannot read what was passed on to it")
            }
            handle(request, message, way, pipeline)
        }
        relays[shard] = (relay, socket)
        return relay
    }

    private func passOn() {
        let machine = Handover(self)
        exchange?.relays.request = { request, follower in
            machine.value.relays[ShardID(request.group)]?.relay.receive(request, from: follower)
        }
        exchange?.relays.answer = { answer in
            machine.value.relays[ShardID(answer.group)]?.relay.receive(answer)
        }
    }

    /// A shard begins to exist.
    private func begin(_ shard: ShardID) {
        feed?.hurry()
        do {
            let state = try StoredGroup(over: disk.state, prefix: [shard.rawValue])
            let pipeline = open(try makeCore(shard, state), state)
            log?.startLast(LogGroupID(shard))
            pipeline?.begin()
        } catch {
            fail(error)
        }
    }

    private func answer(_ reply: ShardReply, _ source: RequestSource, from shard: ShardID) {
        guard let receiver = Endpoint(source.client) else { return world.find("an answer for nobody: \(reply)") }
        if !source.isAwaited { world.find("\(receiver) is answered what it does not wait for: \(reply)") }
        let result: Result<AnyShardResponse, ProtocolError> =
            switch reply {
            case .response(let response): .success(response)
            case .refused(let error): .failure(error)
            }
        let message = Message(id: source.requestID, isSigned: source.isSigned, body: .shardAnswer(result))
        if source.way.relay != nil, let relay = relays[shard]?.relay { return relay.answer(source.way, message, world) }
        network.send(message, from: .shard(shard, slot), to: receiver)
    }

    // MARK: Block services

    private func startFeed() {
        let environment = BlockServiceFeed.Environment(
            monotonic: { [unowned self] in world.now },
            later: { [unowned self] nanoseconds, body in after(nanoseconds, body) },
            random: { [unowned self] in UInt64.random(in: $0, using: &world.random) },
            askForAll: { [unowned self] answer in
                ask(.allBlockServicesDeprecated(AllBlockServicesDeprecatedRequest())) { response in
                    if case .allBlockServicesDeprecated(let all) = response { all } else { nil }
                } answer: {
                    answer($0)
                }
            },
            ask: { [unowned self] shard, answer in
                ask(.shardBlockServices(ShardBlockServicesRequest(shardId: shard))) { response in
                    if case .shardBlockServices(let assigned) = response { assigned } else { nil }
                } answer: {
                    answer($0)
                }
            },
            keep: { [unowned self] in kept = $0 })
        let feed = BlockServiceFeed(
            environment, logger: logger, known: kept, shards: { [unowned self] in shardsInUse }
        ) { [unowned self] directory in
            blockServices = directory
            for shard in shardsInUse { tell(shard) }
        }
        self.feed = feed
        feed.start()
    }

    /// Asks the registry; what nobody answers in time has failed.
    private func ask<Response>(
        _ request: AnyRegistryRequest, _ expected: @escaping (AnyRegistryResponse) -> Response?,
        answer: @escaping BlockServiceFeed.Answer<Response>
    ) {
        registry.ask(request) { result in
            guard let result else { return answer(.failure(.timedOut(lastAttempt: "lost"))) }
            answer(
                result.mapError { RegistryCallError.refused($0) }.flatMap { response in
                    expected(response).map { .success($0) } ?? .failure(.malformed)
                })
        }
    }

    private func tell(_ shard: ShardID) {
        pipelinesByShard[shard]?.core.blockServices = blockServices.table(for: shard)
    }
}

extension ShardID {
    fileprivate init(_ group: GroupNumber) { self.init(rawValue: UInt8(truncatingIfNeeded: group.rawValue)) }
    fileprivate init(_ group: LogGroupID) { self.init(rawValue: UInt8(truncatingIfNeeded: group.rawValue)) }
}
