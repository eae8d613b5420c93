import EventLoop
import Metrics
import Protocol
import Replicas
import ReplicatedLog
import ShardCore
import ShardServing

/// A shard process: the real pipelines of its shards, over simulated messages instead of packets.
final class ShardMachine: Machine {
    let number: Int
    private let options: ClusterOptions
    private let watch: ShardWatch
    private var log: ProcessLog?
    private var pipelinesByShard: [ShardID: ShardPipeline] = [:]
    /// Shards that anybody ever asked for. All 256 exist in a real process from the start; here they are made when the
    /// first request for them comes.
    private var known: [ShardID] = []
    /// What the registry said last; mostly still on the disk when the process comes back.
    private var blockServices = BlockServiceDirectory()
    private var nextRegistryID: UInt64 = 1
    private var lastQuestion: UInt64 = 0
    private var clockQuestions: ClockQuestions?
    private var counters = ShardCounters(Counters())
    private var caches = ShardCacheBudget()

    init(
        _ number: Int, _ world: World, _ network: Network, _ options: ClusterOptions, watch: ShardWatch
    ) {
        self.number = number
        self.options = options
        self.watch = watch
        super.init(.shards(number), world, network)
    }

    private var hosted: [ShardID] {
        (0...UInt8.max).filter { Int($0) % options.shardMachines == number }.map(ShardID.init(rawValue:))
    }

    /// Of the shards that are in use now, by shard.
    var pipelines: [ShardPipeline] { known.compactMap { pipelinesByShard[$0] } }
    var cores: [ShardCore] { pipelines.map(\.core) }

    // MARK: Life

    override func boot() throws {
        caches = ShardCacheBudget(limitBytes: options.shardCacheBytes)
        counters = ShardCounters(Counters())
        var cores: [LogGroupID: ShardCore] = [:]
        for shard in known { cores[LogGroupID(shard)] = try makeCore(shard) }
        let process = ProcessDisk(self, options.log)
        let storage = try ReplicaStorage(process, applied: cores.mapValues(\.appliedIndex)) { group, index, bytes in
            guard let core = cores[group] else { return }
            let entry = try ShardLogEntry(decoding: bytes)
            watch.replayed(entry, try core.apply(entry, at: index), core)
            states.compare(group, at: index, keys: core.shard.rawValue)
        }
        log = ProcessLog(self, storage, on: process, options.log)
        for shard in known {
            guard let core = cores[LogGroupID(shard)] else { continue }
            watch.restarted(core)
            open(core)
        }
        for shard in hosted { attach(shard) }
        network.attach(.shardProcess(number), of: id) { [unowned self] message, _ in learn(message) }
        clockQuestions = watchClock(options, from: .shardProcess(number))
        askForServices()
        flusher = flushing(storage, options.log, options) { [unowned self] then in
            then(Dictionary(uniqueKeysWithValues: self.cores.map { (LogGroupID($0.shard), $0.appliedIndex) }))
        }
    }

    override func halt() {
        for core in cores { states.keep(LogGroupID(core.shard), at: core.appliedIndex, keys: core.shard.rawValue) }
        log?.end()
        log = nil
        pipelinesByShard = [:]
        clockQuestions = nil
        asked = [:]
        // What is not synced before it takes its place may be lost.
        if world.random.perMille(100) { blockServices = BlockServiceDirectory() }
        network.detach(.shardProcess(number))
        for shard in hosted { network.detach(.shard(shard)) }
    }

    override func quit(_ done: @escaping () -> Void) {
        for pipeline in pipelines { pipeline.drain() }
        // Some of what is in flight becomes durable.
        after(world.random.spread(1_000_000...1_000_000_000), done)
    }

    private func makeCore(_ shard: ShardID) throws -> ShardCore {
        try ShardCore(
            store: disk.state, shard: shard, transientLifetimeNanoseconds: options.transientLifetime,
            minimumHistoryAgeNanoseconds: ClusterOptions.minimumHistoryAge,
            supersededGraceNanoseconds: ClusterOptions.supersededGrace, blockServices: blockServices.table(for: shard),
            cacheBudget: caches, ownershipLimit: options.ownershipLimit)
    }

    private func attach(_ shard: ShardID) {
        network.attach(.shard(shard), of: id) { [unowned self] message, sender in receive(message, sender, shard) }
    }

    private func open(_ core: ShardCore) {
        guard let log else { return }
        let shard = core.shard
        let hosted = log.open(LogGroupID(shard), delivered: core.appliedIndex, options.log.limits)
        let pipeline = ShardPipeline(core, log: hosted, limits: options.log.limits, environment)
        pipeline.onAnswer = { [unowned self] reply, source, _ in answer(reply, source, from: shard) }
        pipeline.onApply = { [unowned self] entry, reply, source in
            watch.applied(entry, reply, core, requestID: source?.requestID)
        }
        log.watch(hosted)
        pipelinesByShard[shard] = pipeline
        pipeline.begin()
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
            blockServicesAreMissing: { [unowned self] in hurry() },
            fail: { [unowned self] error in
                if let error = error as? LogError { logStopped(error) } else { fail(error) }
            },
            isOpen: true, counters: counters, logger: logger)
    }

    // MARK: Requests

    private func receive(_ message: Message, _ sender: Endpoint, _ shard: ShardID) {
        guard case .shardRequest(let request) = message.body, let address = sender.socketAddress else { return }
        guard let pipeline = pipelinesByShard[shard] else { return begin(shard) }
        // A service tells nobody its address before its first entry is durable.
        guard pipeline.core.isInitialised else { return }
        let source = RequestSource(
            socket: 0, sender: address, requestID: message.id, signer: message.isSigned ? 0 : nil)
        do throws(DecodeError) {
            try pipeline.handle(request, from: source)
        } catch {
            // It makes no sense, and gets no answer.
        }
    }

    private func begin(_ shard: ShardID) {
        known.append(shard)
        askForServices(of: [shard])
        do { open(try makeCore(shard)) } catch { fail(error) }
    }

    private func answer(_ reply: ShardReply, _ source: RequestSource, from shard: ShardID) {
        guard let receiver = Endpoint(source.sender) else { return world.find("an answer for nobody: \(reply)") }
        if !source.isAwaited { world.find("\(receiver) is answered what it does not wait for: \(reply)") }
        let result: Result<AnyShardResponse, ProtocolError> =
            switch reply {
            case .response(let response): .success(response)
            case .refused(let error): .failure(error)
            }
        network.send(
            Message(id: source.requestID, isSigned: source.isSigned, body: .shardAnswer(result)), from: .shard(shard),
            to: receiver)
    }

    // MARK: Block services

    /// Asks what the real `BlockServiceFeed` asks, about as often.
    private func askForServices() {
        askForServices(of: known)
        let isComingUp = blockServices.services.isEmpty
        let pause: ClosedRange<UInt64> =
            isComingUp ? 200_000_000...2_000_000_000 : 30_000_000_000...60_000_000_000
        after(UInt64.random(in: pause, using: &world.random)) { [unowned self] in askForServices() }
    }

    private func askForServices(of shards: [ShardID]) {
        lastQuestion = world.now
        ask(.allBlockServicesDeprecated(AllBlockServicesDeprecatedRequest()))
        for shard in shards { ask(.shardBlockServices(ShardBlockServicesRequest(shardId: shard)), shard) }
    }

    /// Which shard the answers are about.
    private var asked: [UInt64: ShardID] = [:]

    private func ask(_ request: AnyRegistryRequest, _ shard: ShardID? = nil) {
        nextRegistryID += 1
        asked[nextRegistryID] = shard
        network.send(
            Message(id: nextRegistryID, body: .registryRequest(request)), from: .shardProcess(number), to: .registry)
    }

    /// A shard lacks block services.
    private func hurry() {
        if world.now - lastQuestion > 1_000_000_000 { askForServices(of: known) }
    }

    private func learn(_ message: Message) {
        if clockQuestions?.take(message) == true { return }
        let shard = asked.removeValue(forKey: message.id)
        guard case .registryAnswer(.success(let response)) = message.body else { return }
        switch response {
        case .allBlockServicesDeprecated(let all):
            blockServices.update(services: all.blockServices, assignments: [:])
            for shard in known { tell(shard) }
        case .shardBlockServices(let assigned):
            guard let shard else { return }
            blockServices.assign(assigned.blockServices, to: shard)
            tell(shard)
        default: return
        }
    }

    private func tell(_ shard: ShardID) {
        pipelinesByShard[shard]?.core.blockServices = blockServices.table(for: shard)
    }
}
