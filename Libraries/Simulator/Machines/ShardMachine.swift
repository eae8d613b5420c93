import Client
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
    /// What the registry said last.
    private var blockServices = BlockServiceDirectory()
    /// The same on the disk.
    private var kept: BlockServiceDirectory?
    private var feed: BlockServiceFeed?
    /// What waits for an answer of the registry.
    private var asked: [UInt64: (Result<AnyRegistryResponse, ProtocolError>) -> Void] = [:]
    private static let registryTimeout: UInt64 = 5_000_000_000
    private var nextRegistryID: UInt64 = 1
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

    /// Shards that are in use.
    var shardsInUse: [ShardID] { known }

    // MARK: Life

    override func boot() throws {
        caches = ShardCacheBudget(limitBytes: options.shardCacheBytes)
        counters = ShardCounters(Counters())
        var cores: [LogGroupID: ShardCore] = [:]
        for shard in known { cores[LogGroupID(shard)] = try makeCore(shard) }
        let process = ProcessDisk(self, options.log)
        let storage = try ReplicaStorage(process, cores) { group, index, bytes in
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
        startFeed()
        flusher = flushing(storage, options.log, options) { [unowned self] then in
            then(Dictionary(uniqueKeysWithValues: pipelines.map { ($0.log.id, $0.log.trimIndex) }))
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
        if world.random.perMille(100) { kept = nil }
        blockServices = kept ?? BlockServiceDirectory()
        feed = nil
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
        let hosted = log.open(LogGroupID(shard), core, options.log.settings)
        let pipeline = ShardPipeline(core, log: hosted, settings: options.log.settings, environment)
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
            blockServicesAreMissing: { [unowned self] in feed?.hurry() },
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
            ClientWay(of: address, socket: 0), requestID: message.id, signer: message.isSigned ? 0 : nil)
        do throws(DecodeError) {
            try pipeline.handle(request, from: source)
        } catch {
            // It makes no sense, and gets no answer.
        }
    }

    private func begin(_ shard: ShardID) {
        known.append(shard)
        feed?.hurry()
        do { open(try makeCore(shard)) } catch { fail(error) }
    }

    private func answer(_ reply: ShardReply, _ source: RequestSource, from shard: ShardID) {
        guard let receiver = Endpoint(source.client) else { return world.find("an answer for nobody: \(reply)") }
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
            environment, logger: logger, known: kept, shards: { [unowned self] in known }
        ) { [unowned self] directory in
            blockServices = directory
            for shard in known { tell(shard) }
        }
        self.feed = feed
        feed.start()
    }

    /// Asks the registry; what nobody answers in time has failed.
    private func ask<Response>(
        _ request: AnyRegistryRequest, _ expected: @escaping (AnyRegistryResponse) -> Response?,
        answer: @escaping BlockServiceFeed.Answer<Response>
    ) {
        nextRegistryID += 1
        let id = nextRegistryID
        asked[id] = { result in
            answer(
                result.mapError { RegistryCallError.refused($0) }.flatMap { response in
                    expected(response).map { .success($0) } ?? .failure(.malformed)
                })
        }
        network.send(Message(id: id, body: .registryRequest(request)), from: .shardProcess(number), to: .registry)
        after(Self.registryTimeout) { [unowned self] in
            if asked.removeValue(forKey: id) != nil { answer(.failure(.timedOut(lastAttempt: "lost"))) }
        }
    }

    private func learn(_ message: Message) {
        if clockQuestions?.take(message) == true { return }
        guard case .registryAnswer(let result) = message.body else { return }
        asked.removeValue(forKey: message.id)?(result)
    }

    private func tell(_ shard: ShardID) {
        pipelinesByShard[shard]?.core.blockServices = blockServices.table(for: shard)
    }
}
