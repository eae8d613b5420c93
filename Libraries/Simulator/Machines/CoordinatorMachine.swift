import CoordinatorCore
import CoordinatorServing
import Metrics
import Protocol
import Replicas
import ReplicatedLog

/// The coordinator's process: the real pipeline, over simulated messages instead of packets.
final class CoordinatorMachine: Machine {
    private static let group = LogGroupID(rawValue: 0)
    /// Five times that of the service: most of a run's events would be ticks otherwise.
    private static let tick: UInt64 = 25_000_000

    private let options: ClusterOptions
    private var log: ProcessLog?
    private var pipeline: CoordinatorPipeline?
    /// Which client a request's origin is; origins are what the core compares.
    private var clients: [UInt64: Endpoint] = [:]
    private var clockQuestions: ClockQuestions?

    init(_ world: World, _ network: Network, _ options: ClusterOptions) {
        self.options = options
        super.init(.coordinator, world, network)
    }

    var core: Coordinator? { pipeline?.coordinator }

    override func boot() throws {
        var settings = CoordinatorOptions(defaultInfo: options.rootInfo)
        settings.directoryReservation = options.directoryReservation
        // The faults have strangers do so.
        settings.anybodyMayCloseNumbers = true
        let process = ProcessDisk(self, options.log)
        let core = try Coordinator(store: process.state, prefix: [1], options: settings)
        let storage = try ReplicaStorage(process, [Self.group: core]) { _, index, bytes in
            try core.replay([UInt8](bytes), at: index)
            states.compare(Self.group, at: index)
        }
        let log = ProcessLog(self, storage, on: process, options.log)
        self.log = log
        let entries = log.open(Self.group, core, options.log.settings)
        let pipeline = CoordinatorPipeline(core, log: entries, environment)
        pipeline.onReply = { [unowned self] in send($0) }
        pipeline.onShardSend = { [unowned self] in send($0) }
        log.watch(entries)
        pipeline.begin()
        self.pipeline = pipeline
        network.attach(.coordinator, of: id) { [unowned self] message, sender in receive(message, from: sender) }
        network.attach(.coordinatorBack, of: id) { [unowned self] message, _ in receiveAnswer(message) }
        pipeline.lead(numbersRequests: true)
        flusher = flushing(storage, options.log, options) { $0([Self.group: entries.trimIndex]) }
        clockQuestions = watchClock(options, from: .coordinatorBack)
    }

    override func halt() {
        if let core { states.keep(Self.group, at: core.appliedIndex) }
        log?.end()
        log = nil
        pipeline = nil
        clockQuestions = nil
        network.detach(.coordinator)
        network.detach(.coordinatorBack)
    }

    override func quit(_ done: @escaping () -> Void) {
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

    // MARK: Messages

    private func receive(_ message: Message, from sender: Endpoint) {
        guard case .coordinatorRequest(let request) = message.body, case .client(let number) = sender else { return }
        let source = UInt64(number)
        clients[source] = sender
        pipeline?.handle(request, from: RequestOrigin(source: source, requestID: message.id))
    }

    private func receiveAnswer(_ message: Message) {
        if clockQuestions?.take(message) == true { return }
        guard case .shardAnswer(let answer) = message.body, message.isSigned else { return }
        pipeline?.handle(answer, toRequest: message.id)
    }

    private func send(_ request: ShardSend) {
        network.send(
            Message(id: request.requestID, isSigned: true, body: .shardRequest(request.request)),
            from: .coordinatorBack, to: .shard(request.shard))
    }

    private func send(_ reply: ClientReply) {
        // After a crash nobody is waiting at the other end for what was recovered.
        guard let client = clients[reply.origin.source] else { return }
        network.send(
            Message(id: reply.origin.requestID, body: .coordinatorAnswer(reply.result)), from: .coordinator,
            to: client)
    }
}
