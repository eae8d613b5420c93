import Consensus
import CoordinatorCore
import Logging
import Mutations
import Protocol
import Replicas
import ReplicatedLog

/// The coordinator between those who ask, the shards and its log: what comes in reaches the core, what the core wants
/// logged is proposed, and what it wants said goes out.
///
/// Knows neither sockets nor threads: the service has it behind datagrams, the simulator behind its network. Belongs to
/// the loop of its log.
///
/// `@unchecked Sendable`: `Environment.soon` asks for it, and calls back on the loop that the pipeline belongs to.
package final class CoordinatorPipeline: @unchecked Sendable {
    /// What the coordinator needs of the process around it.
    package struct Environment {
        /// Nanoseconds of a clock that never goes back.
        package let monotonic: () -> UInt64
        /// The time that entries get; nil while the clock is not to be believed.
        package let now: () -> Timestamp?
        /// Calls back when everything that has come in by now has been seen.
        package let soon: (@escaping @Sendable () -> Void) -> Void
        /// Calls back after so many nanoseconds.
        package let later: (UInt64, @escaping () -> Void) -> Void
        /// The first request id of a leadership: random each time, so that answers to an earlier one are recognised.
        package let firstRequestID: () -> UInt64
        /// Makes the snapshot of this number, and says whether it is there.
        package let takeSnapshot: (UInt64, @escaping (Bool) -> Void) -> Void
        /// The coordinator cannot go on, so neither can the process.
        package let fail: (any Error) -> Void
        /// Whether everybody may ask for what is not everybody's, as in TernFS.
        package let isOpen: Bool
        package let metrics: CdcMetrics
        package let logger: Logger
        /// How often time passes for the coordinator while something waits for it.
        package let tickNanoseconds: UInt64

        package init(
            monotonic: @escaping () -> UInt64, now: @escaping () -> Timestamp?,
            soon: @escaping (@escaping @Sendable () -> Void) -> Void,
            later: @escaping (UInt64, @escaping () -> Void) -> Void, firstRequestID: @escaping () -> UInt64,
            takeSnapshot: @escaping (UInt64, @escaping (Bool) -> Void) -> Void, fail: @escaping (any Error) -> Void,
            isOpen: Bool, metrics: CdcMetrics, logger: Logger, tickNanoseconds: UInt64 = 5_000_000
        ) {
            self.monotonic = monotonic
            self.now = now
            self.soon = soon
            self.later = later
            self.firstRequestID = firstRequestID
            self.takeSnapshot = takeSnapshot
            self.fail = fail
            self.isOpen = isOpen
            self.metrics = metrics
            self.logger = logger
            self.tickNanoseconds = tickNanoseconds
        }
    }

    /// Another one takes its place when it leads no longer, and when a snapshot takes its state's.
    package private(set) var coordinator: Coordinator
    let environment: Environment
    package let log: Replica
    /// Log entries that the log had no room for, in order; they go first.
    private var heldEntries: [[UInt8]] = []
    /// Something may wait for the log because the clock is not to be believed.
    private var isHeldByClock = false
    private var isPumpDue = false
    private var isTickDue = false
    private var hasFailed = false
    private var isFinishing = false
    /// How shards are asked; nil while that is not known, when it cannot lead.
    private var numbersRequests: Bool?

    /// Called each time it begins to work.
    package var onLeading: (() -> Void)?
    /// Called each time it works no longer, because another replica does or may.
    package var onSteppingDown: (() -> Void)?
    /// Called with each answer to a client.
    package var onReply: ((ClientReply) -> Void)?
    /// Called with each request to a shard.
    package var onShardSend: ((ShardSend) -> Void)?

    /// - Parameters:
    ///   - coordinator: with everything applied that the log has.
    ///   - log: the coordinator's group, opened behind that.
    package init(_ coordinator: Coordinator, log: Replica, _ environment: Environment) {
        self.coordinator = coordinator
        self.log = log
        self.environment = environment
        log.onDelivery = { [unowned self] in deliver($0) }
        log.onStop = { [unowned self] in stop($0) }
        log.onServing = { [unowned self] in leadIfReady() }
        log.onSteppingDown = { [unowned self] in stepDown() }
        log.onReplaced = { [unowned self] in replace($0) }
    }

    // MARK: Life

    /// Begins to take part in the coordinator's group.
    package func begin() { log.start() }

    /// Lets it work whenever this replica leads, first on what was begun before. Requests that come at other times are
    /// dropped.
    /// - Parameter numbersRequests: whether shards are asked so that no copy of a request acts twice.
    package func lead(numbersRequests: Bool) {
        self.numbersRequests = numbersRequests
        leadIfReady()
    }

    private func leadIfReady() {
        guard log.serves, let numbersRequests else { return }
        attempt { () throws(CoordinatorFailure) in
            let first = Mutation.leadershipsReuseRequestIDs.isPlanted ? 1 : environment.firstRequestID()
            try coordinator.lead(
                firstRequestID: first, now: environment.monotonic(), numbersRequests: numbersRequests)
            let (applied, count) = (coordinator.appliedIndex, coordinator.transactionCount)
            environment.logger.info("log applied up to \(applied), \(count) things to recover")
            onLeading?()
        }
    }

    /// Whoever leads next finds in the log what was begun, and asks the shards how far it got. Everybody who waits here
    /// asks again. What was done is remembered in the log, or found again.
    private func stepDown() {
        if Mutation.steppingDownEndsNothing.isPlanted { return }
        follow(Coordinator(following: coordinator))
        log.exchange(coordinator)
        onSteppingDown?()
    }

    private func replace(_ state: any ReplicatedState) {
        guard let replaced = state as? Coordinator else {
            preconditionFailure("the coordinator's state is opened as something else")
        }
        replaced.countOn(from: coordinator)
        follow(replaced)
    }

    private func follow(_ next: Coordinator) {
        coordinator = next
        environment.metrics.update(next.statistics)
        if !Mutation.heldEntriesOutliveTheLeader.isPlanted { heldEntries = [] }
    }

    // MARK: What comes in

    /// Works on a request of a client.
    /// - Parameter isProven: whether it comes from one of the cluster's own programs.
    package func handle(_ request: AnyCdcRequest, from origin: RequestOrigin, isProven: Bool = false) {
        guard !hasFailed, !isFinishing else { return }
        environment.metrics.clientRequests.add()
        if case .cdcReplicaStatus = request {
            let response = CdcReplicaStatusResponse(status: log.status)
            onReply?(ClientReply(origin: origin, result: .success(.cdcReplicaStatus(response))))
            return
        }
        // Silence: whoever leads answers.
        guard log.serves else { return }
        guard isProven || environment.isOpen || !request.kind.needsProof else {
            environment.metrics.clientRequestsUnproven.add()
            onReply?(ClientReply(origin: origin, result: .failure(.notAuthorised)))
            return
        }
        if case .cdcSteer(let request) = request {
            let response = CdcSteerResponse(outcome: ReplicaSteward.steer(log, request.steering, request.replica))
            onReply?(ClientReply(origin: origin, result: .success(.cdcSteer(response))))
            return
        }
        if case .cdcSnapshot(let snapshot) = request { return takeSnapshot(snapshot.snapshotId, for: origin) }
        attempt { () throws(CoordinatorFailure) in
            try coordinator.receive(request, from: origin, now: environment.monotonic())
        }
    }

    /// Takes the answer of a shard.
    package func handle(_ answer: Result<AnyShardResponse, ProtocolError>, toRequest id: UInt64) {
        attempt { () throws(CoordinatorFailure) in
            try coordinator.receive(answer, toRequest: id, now: environment.monotonic())
        }
    }

    private func deliver(_ entry: ReplicatedLog.LogEntry) {
        if Mutation.proposalsAreBelieved.isPlanted, entry.index <= coordinator.appliedIndex { return }
        attempt { () throws(CoordinatorFailure) in
            try coordinator.committed(entry.bytes, at: entry.index, now: environment.monotonic())
        }
    }

    private func stop(_ error: LogError) {
        guard !hasFailed else { return }
        hasFailed = true
        switch error {
        case .closed where isFinishing, .noSpace where isFinishing: break
        default: environment.fail(error)
        }
    }

    /// CDC_SNAPSHOT: a copy of the state at some applied entry, made in the background.
    private func takeSnapshot(_ number: UInt64, for origin: RequestOrigin) {
        environment.takeSnapshot(number) { [weak self] isDone in
            let response = AnyCdcResponse.cdcSnapshot(CdcSnapshotResponse())
            self?.onReply?(
                ClientReply(origin: origin, result: isDone ? .success(response) : .failure(.cannotCreateDbSnapshot)))
        }
    }

    /// Runs what may stop the coordinator for good, and then lets everything out that it wants done.
    private func attempt(_ body: () throws(CoordinatorFailure) -> Void) {
        guard !hasFailed else { return }
        do throws(CoordinatorFailure) {
            try body()
            pumpSoon()
        } catch {
            fail(error)
        }
    }

    private func fail(_ error: CoordinatorFailure) {
        hasFailed = true
        environment.fail(error)
    }

    // MARK: What goes out

    /// Everything that comes in at about the same time goes out together: one log entry for many transactions.
    private func pumpSoon() {
        guard !isPumpDue else { return }
        isPumpDue = true
        environment.soon { [weak self] in
            guard let self else { return }
            isPumpDue = false
            pump()
        }
    }

    private func pump() {
        guard !hasFailed else { return }
        sendOutbox()
        let time = environment.now()
        isHeldByClock = time == nil
        do throws(CoordinatorFailure) {
            if let time { propose(try coordinator.takeEntries(now: environment.monotonic(), time: time)) }
        } catch {
            return fail(error)
        }
        environment.metrics.update(coordinator.statistics)
        tickIfNeeded()
    }

    /// Lets everything out that the coordinator wants said.
    ///
    /// What goes to shards goes at once, whoever leads by now: they know by its number whose it is, and refuse what
    /// comes behind a successor's.
    private func sendOutbox() {
        guard !coordinator.outbox.isEmpty else { return }
        let outbox = coordinator.takeOutbox()
        for request in outbox.shardSends { onShardSend?(request) }
        guard outbox.hasNews else { return }
        whenLeading { [weak self] in self?.tell(outbox) }
    }

    /// Carries out what must be true when it is said: a refusal tells of the state as a read does, and a successor is
    /// taken for a stranger. Where another replica may lead it waits until none is known to, or is forgotten.
    private func whenLeading(_ body: @escaping () -> Void) {
        if log.mayReadNow || Mutation.deposedCoordinatorsAnswer.isPlanted { return body() }
        do throws(ReadRefusal) {
            try log.read(body)
        } catch {
            environment.logger.debug("nobody is told what may not be so: \(error)")
        }
    }

    private func tell(_ outbox: Outbox) {
        for reply in outbox.clientReplies { onReply?(reply) }
        for alarm in outbox.alarms { environment.logger.error("\(alarm)") }
        for warning in outbox.warnings { environment.logger.warning("\(warning)") }
    }

    /// Proposes entries in order; those that are not taken now wait.
    private func propose(_ entries: [[UInt8]]) {
        heldEntries += entries
        while let entry = heldEntries.first {
            do throws(ProposalRefusal) {
                let index = try log.propose(entry)
                heldEntries.removeFirst()
                guard Mutation.proposalsAreBelieved.isPlanted else { continue }
                deliver(ReplicatedLog.LogEntry(index: index, bytes: entry))
            } catch .windowFull, .handingOver {
                if Mutation.fullLogsForgetEntries.isPlanted { heldEntries.removeFirst() }
                return
            } catch .notLeader, .notServing {
                // It is about to be told to step down, and forgets them then.
                return
            } catch {
                return environment.logger.error("log entry refused: \(error)")
            }
        }
    }

    /// Time passes for the coordinator only while something waits for it: an idle coordinator sleeps.
    private func tickIfNeeded() {
        guard coordinator.needsTicks || !heldEntries.isEmpty || isHeldByClock, !isTickDue else { return }
        isTickDue = true
        environment.later(environment.tickNanoseconds) { [weak self] in
            guard let self else { return }
            isTickDue = false
            guard !hasFailed else { return }
            coordinator.tick(now: environment.monotonic())
            pump()
        }
    }

    // MARK: The end

    /// How long transactions that are under way get to finish; what is left goes on at the next start.
    private static let graceNanoseconds: UInt64 = 2_000_000_000
    private static let lookNanoseconds: UInt64 = 5_000_000

    /// Takes no more requests, finishes the old ones, gives unused directory ids back, and calls back when all that is
    /// in the log, or after a while.
    package func finish(_ done: @escaping () -> Void) {
        isFinishing = true
        wait({ $0.coordinator.isIdle && $0.heldEntries.isEmpty }) { [self] in
            coordinator.releaseUnusedDirectories()
            proposeLastEntries()
            wait({ $0.coordinator.isLogged && $0.heldEntries.isEmpty }, done)
        }
    }

    private func proposeLastEntries() {
        guard let time = environment.now() else {
            let sentence = "the clock is not to be believed: the next start does what was left to be logged"
            return environment.logger.warning("\(sentence)")
        }
        do throws(CoordinatorFailure) {
            propose(try coordinator.takeAllEntries(time: time))
        } catch {
            environment.logger.error("\(error)")
        }
    }

    private func wait(_ condition: @escaping (CoordinatorPipeline) -> Bool, _ then: @escaping () -> Void) {
        wait(until: environment.monotonic() &+ Self.graceNanoseconds, condition, then)
    }

    private func wait(
        until deadline: UInt64, _ condition: @escaping (CoordinatorPipeline) -> Bool, _ then: @escaping () -> Void
    ) {
        if hasFailed || condition(self) || environment.monotonic() >= deadline { return then() }
        environment.later(Self.lookNanoseconds) { [self] in wait(until: deadline, condition, then) }
    }
}
