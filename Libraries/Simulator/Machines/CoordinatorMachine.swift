import CoordinatorCore
import Protocol
import ReplicatedLog

/// The coordinator's process, as `Services/cdc` has it.
final class CoordinatorMachine: Machine {
    private static let group = LogGroupID(rawValue: 0)
    /// Five times that of the service: most of a run's events would be ticks otherwise.
    private static let tick: UInt64 = 25_000_000

    private let options: ClusterOptions
    private(set) var core: Coordinator?
    private var log: ProcessLog?
    private var entries: HostedLog?
    /// Log entries that the log had no room for, in order; they go first.
    private var held: [[UInt8]] = []
    /// Which client a request's origin is; origins are what the core compares.
    private var clients: [UInt64: Endpoint] = [:]
    private var isPumpDue = false
    private var isTickDue = false
    private var clockQuestions: ClockQuestions?

    init(_ world: World, _ network: Network, _ options: ClusterOptions) {
        self.options = options
        super.init(.coordinator, world, network)
    }

    override func boot() throws {
        var settings = CoordinatorOptions(defaultInfo: options.rootInfo)
        settings.directoryReservation = options.directoryReservation
        // The faults have strangers do so.
        settings.anybodyMayCloseNumbers = true
        let core = try Coordinator(store: disk.state, prefix: [1], options: settings)
        let store = try logStore(options.log, mustExist: core.appliedIndex > .zero)
        let last = try store.replay(after: [Self.group: core.appliedIndex]) { _, index, bytes in
            try core.replay([UInt8](bytes), at: index)
        }
        let log = try ProcessLog(self, store, options.log)
        self.log = log
        let entries = log.open(Self.group, delivered: last[Self.group] ?? .zero, options.log.limits)
        entries.onDelivery = { [unowned self] entry in
            attempt { core throws(CoordinatorFailure) in
                try core.committed(entry.bytes, at: entry.index, now: world.now)
            }
        }
        entries.onStop = { [unowned self] in logStopped($0) }
        log.watch(entries)
        self.entries = entries
        self.core = core
        isPumpDue = false
        isTickDue = false
        network.attach(.coordinator, of: id) { [unowned self] message, sender in receive(message, from: sender) }
        network.attach(.coordinatorBack, of: id) { [unowned self] message, _ in receiveAnswer(message) }
        attempt { core throws(CoordinatorFailure) in
            try core.lead(firstRequestID: world.random.next(), now: world.now)
        }
        every(options.flushPause) { [unowned self] in flush() }
        clockQuestions = watchClock(options, from: .coordinatorBack)
    }

    override func halt() {
        log?.end()
        log = nil
        entries = nil
        held = []
        core = nil
        clockQuestions = nil
        network.detach(.coordinator)
        network.detach(.coordinatorBack)
    }

    private func attempt(_ body: (Coordinator) throws(CoordinatorFailure) -> Void) {
        guard let core else { return }
        do throws(CoordinatorFailure) {
            try body(core)
            pumpSoon()
        } catch {
            fail(error)
        }
    }

    // MARK: Messages

    private func receive(_ message: Message, from sender: Endpoint) {
        guard case .coordinatorRequest(let request) = message.body, case .client(let number) = sender else { return }
        let source = UInt64(number)
        clients[source] = sender
        attempt { core throws(CoordinatorFailure) in
            try core.receive(request, from: RequestOrigin(source: source, requestID: message.id), now: world.now)
        }
    }

    private func receiveAnswer(_ message: Message) {
        if clockQuestions?.take(message) == true { return }
        guard case .shardAnswer(let answer) = message.body, message.isSigned else { return }
        attempt { core throws(CoordinatorFailure) in
            try core.receive(answer, toRequest: message.id, now: world.now)
        }
    }

    /// What one turn brings goes out together.
    private func pumpSoon() {
        guard !isPumpDue else { return }
        isPumpDue = true
        after(10_000) { [unowned self] in pump() }
    }

    private func pump() {
        isPumpDue = false
        guard let core else { return }
        send(core.takeOutbox())
        let time = clusterClock.now
        do {
            if let time { try propose(try core.takeEntries(now: world.now, time: time)) }
        } catch {
            return fail(error)
        }
        guard core.needsTicks || !held.isEmpty || time == nil, !isTickDue else { return }
        isTickDue = true
        after(Self.tick) { [unowned self] in
            isTickDue = false
            attempt { core throws(CoordinatorFailure) in core.tick(now: world.now) }
        }
    }

    /// Proposes entries in order; those that do not fit wait.
    private func propose(_ taken: [[UInt8]]) throws(ProposalRefusal) {
        held += taken
        while let entry = held.first, let entries {
            do throws(ProposalRefusal) {
                _ = try entries.propose(entry)
                held.removeFirst()
            } catch .windowFull {
                return
            }
        }
    }

    private func send(_ outbox: Outbox) {
        for send in outbox.shardSends {
            network.send(
                Message(id: send.requestID, isSigned: true, body: .shardRequest(send.request)),
                from: .coordinatorBack, to: .shard(send.shard))
        }
        for reply in outbox.clientReplies {
            // After a crash nobody is waiting at the other end for what was recovered.
            guard let client = clients[reply.origin.source] else { continue }
            network.send(
                Message(id: reply.origin.requestID, body: .coordinatorAnswer(reply.result)),
                from: .coordinator, to: client)
        }
        for alarm in outbox.alarms { world.find("the coordinator raises an alarm: \(alarm)") }
    }

    override func flush() {
        guard let core else { return }
        do {
            try disk.flush()
            log?.trim(through: [Self.group: core.appliedIndex])
        } catch {
            // A full disk: the log keeps growing until there is room again.
        }
    }
}
