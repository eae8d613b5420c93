import Consensus
import DequeModule
import Logging
import Mutations
import Protocol
import Replicas
import ReplicatedLog
import ShardCore

/// One shard between those who ask and its log: reads are answered at once from the applied state, writes are prepared,
/// proposed, and answered when their entry is durable and applied.
///
/// Knows neither sockets nor threads: the service has it behind datagrams, the simulator behind its network. Belongs to
/// the loop of its log.
package final class ShardPipeline {
    /// What the shard needs of the process around it.
    package struct Environment {
        /// The time that entries get; nil while the clock is not to be believed.
        package let now: () -> Timestamp?
        /// Calls back after so many nanoseconds.
        package let later: (UInt64, @escaping () -> Void) -> Void
        /// What a new shard begins with.
        package let makeGenesis: () throws -> ShardGenesis
        /// Makes the snapshot of this number, and says whether it is there.
        package let takeSnapshot: (UInt64, @escaping (Bool) -> Void) -> Void
        /// A client needed block services that this shard does not have.
        package let blockServicesAreMissing: () -> Void
        /// The shard cannot go on, so neither can the process.
        package let fail: (any Error) -> Void
        /// Whether everybody may ask for what is not everybody's, as in TernFS.
        package let isOpen: Bool
        package let counters: ShardCounters
        package let logger: Logger

        package init(
            now: @escaping () -> Timestamp?, later: @escaping (UInt64, @escaping () -> Void) -> Void,
            makeGenesis: @escaping () throws -> ShardGenesis,
            takeSnapshot: @escaping (UInt64, @escaping (Bool) -> Void) -> Void,
            blockServicesAreMissing: @escaping () -> Void, fail: @escaping (any Error) -> Void, isOpen: Bool,
            counters: ShardCounters, logger: Logger
        ) {
            self.now = now
            self.later = later
            self.makeGenesis = makeGenesis
            self.takeSnapshot = takeSnapshot
            self.blockServicesAreMissing = blockServicesAreMissing
            self.fail = fail
            self.isOpen = isOpen
            self.counters = counters
            self.logger = logger
        }
    }

    /// A write on its way through the log.
    struct PendingWrite {
        let index: LogIndex
        let entry: ShardLogEntry
        /// Who waits; nil for the shard's own first entry, and for requests without an id.
        let source: RequestSource?
        /// Who asked for it, if that was a client.
        let host: UInt32?
    }

    /// Another one takes its place when a snapshot takes its state's.
    package private(set) var core: ShardCore
    let environment: Environment
    package let log: Replica
    /// So many writes of one host are half of what may be in the log: others have the rest. The coordinator, whose
    /// packets are signed, has limits of its own.
    private let maximumWritesPerHost: Int
    private(set) var pendingWrites = Deque<PendingWrite>()
    /// Whose requests are being worked on.
    private(set) var inFlight: Set<RequestSource.Identity> = []
    private(set) var snapshotCount = 0
    /// Of each client's host, how many of its writes are in the log and not applied yet.
    private(set) var writesByHost: [UInt32: Int] = [:]
    private var hasFailed = false
    private var isDraining = false

    /// Called with each answer, who waits for it, and how far the state was.
    package var onAnswer: ((ShardReply, RequestSource, LogIndex) -> Void)?
    /// Called each time when the shard can serve here: at once, or when its first entry is durable.
    package var onLeading: (() -> Void)?
    /// Called when it cannot any more.
    package var onSteppingDown: (() -> Void)?
    /// Called when an entry has been applied, before its answer, with who waits for that. For those who watch.
    package var onApply: ((ShardLogEntry, ShardReply, RequestSource?) -> Void)?

    /// - Parameter log: of this shard, whose core has everything that was delivered.
    package init(_ core: ShardCore, log: Replica, settings: Settings = Settings(), _ environment: Environment) {
        self.core = core
        self.log = log
        self.environment = environment
        maximumWritesPerHost = max(settings.proposedEntries / 2, 1)
        log.onDelivery = { [unowned self] in deliver($0) }
        log.onStop = { [unowned self] in stop($0) }
        log.onServing = { [unowned self] in initialise() }
        log.onSteppingDown = { [unowned self] in stepDown() }
        log.onReplaced = { [unowned self] in replace($0) }
    }

    // MARK: Life

    private static let pauseNanoseconds: UInt64 = 50_000_000

    /// Begins to take part in the shard's group, and to work on requests when this replica leads it.
    package func begin() { log.start() }

    /// Makes the shard's first entry if there is none, as soon as the clock may be believed, since times of entries
    /// never go back, and there is room for it.
    private func initialise() {
        guard takesRequests, log.serves else { return }
        if core.isInitialised {
            onLeading?()
            return
        }
        guard let now = environment.now() else { return initialiseLater() }
        do {
            let entry = core.prepareGenesis(try environment.makeGenesis(), at: now)
            let index = try log.propose(try entry.encoded())
            pendingWrites.append(PendingWrite(index: index, entry: entry, source: nil, host: nil))
            environment.logger.debug("shard \(core.shard) makes its first entry")
        } catch is ProposalRefusal {
            initialiseLater()
        } catch {
            environment.fail(error)
        }
    }

    private func initialiseLater() {
        environment.later(Self.pauseNanoseconds) { [weak self] in self?.initialise() }
    }

    /// Whoever leads now may have the writes in flight, or others in their place: their clients ask again.
    private func stepDown() {
        for write in pendingWrites {
            if let source = write.source { inFlight.remove(source.identity) }
        }
        pendingWrites.removeAll()
        writesByHost.removeAll()
        onSteppingDown?()
    }

    private func replace(_ state: any ReplicatedState) {
        guard let core = state as? ShardCore else { preconditionFailure("a shard's state is opened as something else") }
        core.blockServices = self.core.blockServices
        self.core = core
    }

    /// Whether requests are worked on.
    package var takesRequests: Bool { !hasFailed && !isDraining }

    /// Takes no more requests; what is in flight goes on and is answered.
    package func drain() {
        isDraining = true
    }

    // MARK: Requests

    /// Works on a request; its answer comes now, later, or, where `RequestSource.isAwaited` or silence says so, never.
    /// - Parameter isProven: whether it comes from one of the cluster's own programs.
    /// - Throws: what is in it makes no sense; it is not answered.
    package func handle(
        _ request: AnyShardRequest, from source: RequestSource, isProven: Bool = false
    ) throws(DecodeError) {
        if case .shardReplicaStatus = request {
            let response = ShardReplicaStatusResponse(status: log.status)
            return answer(.response(.shardReplicaStatus(response)), source, checkpoint: core.appliedIndex)
        }
        // Silence: there is no telling yet what the shard holds.
        guard takesRequests, log.serves, core.isInitialised else { return }
        let kind = request.kind
        guard source.isSigned || !kind.isPrivileged else { return environment.counters.unprivileged.add() }
        guard isProven || environment.isOpen || source.isSigned || !kind.needsProof else {
            environment.counters.unprivileged.add()
            return refuse(.notAuthorised, source)
        }
        if case .shardSteer(let request) = request {
            let outcome = ReplicaSteward.steer(log, request.steering, request.replica)
            return answer(
                .response(.shardSteer(ShardSteerResponse(outcome: outcome))), source, checkpoint: core.appliedIndex)
        }
        guard !isMisdirected(request) else { return environment.counters.misdirected.add() }
        if kind.isReadOnly {
            try read(request, source)
        } else if case .shardSnapshot(let request) = request {
            takeSnapshot(request.snapshotId, source)
        } else {
            try write(request, source)
        }
    }

    private func read(_ request: AnyShardRequest, _ source: RequestSource) throws(DecodeError) {
        environment.counters.reads.add()
        guard log.mayReadNow else { return readLater(request, source) }
        try answerRead(request, source)
    }

    /// When other replicas have said that none of them leads.
    private func readLater(_ request: AnyShardRequest, _ source: RequestSource) {
        do throws(ReadRefusal) {
            try log.read { [weak self] in
                do throws(DecodeError) {
                    try self?.answerRead(request, source)
                } catch {
                    self?.environment.counters.undecodable.add()
                }
            }
        } catch {
            // Silence: the client asks again, or somebody else.
            environment.counters.overflows.add()
        }
    }

    private func answerRead(_ request: AnyShardRequest, _ source: RequestSource) throws(DecodeError) {
        do throws(ShardFailure) {
            answer(.response(try core.read(request)), source, checkpoint: core.appliedIndex)
        } catch {
            try refuse(error, source)
        }
    }

    private func write(_ request: AnyShardRequest, _ source: RequestSource) throws(DecodeError) {
        if source.isAwaited, inFlight.contains(source.identity), !Mutation.duplicatesAreProposed.isPlanted {
            return environment.counters.duplicates.add()
        }
        guard source.isSigned || writesByHost[source.client.address] ?? 0 < maximumWritesPerHost else {
            return environment.counters.overflows.add()
        }
        // Silence: the client tries again, and the clock may be right then.
        guard let now = environment.now() else { return environment.counters.clockDisputes.add() }
        do throws(ShardFailure) {
            let entry = try core.prepare(
                request, isPrivileged: source.isSigned, requestID: source.isAwaited ? source.requestID : nil, at: now)
            propose(entry, source)
        } catch {
            guard source.isAwaited else { return environment.counters.refusals.add() }
            // A refusal tells of the state as a read does. Silence: this replica may not lead any more.
            guard log.mayReadNow else { return environment.counters.overflows.add() }
            try refuse(error, source)
        }
    }

    private func propose(_ entry: ShardLogEntry, _ source: RequestSource) {
        do {
            let index = try log.propose(try entry.encoded())
            let host = source.isSigned ? nil : source.client.address
            let isAwaited = source.isAwaited || Mutation.unawaitedAreAnswered.isPlanted
            pendingWrites.append(
                PendingWrite(index: index, entry: entry, source: isAwaited ? source : nil, host: host))
            if let host { writesByHost[host, default: 0] += 1 }
            if isAwaited { inFlight.insert(source.identity) }
            if Mutation.answersBeforeDurable.isPlanted { deliver(LogEntry(index: index, bytes: [])) }
        } catch is ProposalRefusal {
            // Silence: the client tries again when there is room, or at another replica.
            if Mutation.overflowForgetsItsRequest.isPlanted { inFlight.insert(source.identity) }
            environment.counters.overflows.add()
        } catch {
            fail(error, source)
        }
    }

    private func takeSnapshot(_ id: UInt64, _ source: RequestSource) {
        guard inFlight.insert(source.identity).inserted else { return environment.counters.duplicates.add() }
        snapshotCount += 1
        environment.takeSnapshot(id) { [weak self] isDone in
            guard let self else { return }
            inFlight.remove(source.identity)
            snapshotCount -= 1
            let reply: ShardReply =
                isDone ? .response(.shardSnapshot(ShardSnapshotResponse())) : .refused(.cannotCreateDbSnapshot)
            answer(reply, source, checkpoint: core.appliedIndex)
        }
    }

    // MARK: Deliveries

    private func deliver(_ delivered: LogEntry) {
        guard !hasFailed else { return }
        if Mutation.answersBeforeDurable.isPlanted, delivered.index <= core.appliedIndex { return }
        do throws(ShardStateError) {
            guard let write = try takePending(at: delivered.index) else { return try follow(delivered) }
            let isBeginning = !core.isInitialised
            let reply = try core.apply(write.entry, at: delivered.index)
            environment.counters.writes.add()
            onApply?(write.entry, reply, write.source)
            if isBeginning { onLeading?() }
            guard let source = write.source else { return }
            inFlight.remove(source.identity)
            let isWrong = Mutation.someSuccessesAreRefused.isPlanted && delivered.index.rawValue % 32 == 0
            answer(isWrong ? .refused(.fileNotFound) : reply, source, checkpoint: delivered.index)
        } catch {
            hasFailed = true
            environment.fail(ShardHostError.shardFailed(core.shard, error))
        }
    }

    /// Carries out what another replica has proposed, or this one in an earlier term: nobody here waits for an answer.
    private func follow(_ delivered: LogEntry) throws(ShardStateError) {
        let entry: ShardLogEntry
        do throws(DecodeError) {
            entry = try ShardLogEntry(decoding: delivered.bytes)
        } catch {
            throw .unknownEntry
        }
        let reply = try core.apply(entry, at: delivered.index)
        onApply?(entry, reply, nil)
    }

    /// Nil if nothing of this term is in flight.
    private func takePending(at index: LogIndex) throws(ShardStateError) -> PendingWrite? {
        guard !pendingWrites.isEmpty else { return nil }
        if Mutation.wrongIndexIsDelivered.isPlanted, let newest = pendingWrites.popLast() { return newest }
        guard let write = pendingWrites.first, write.index == index else {
            throw .wrongIndex(expected: pendingWrites.first?.index ?? .zero, got: index)
        }
        pendingWrites.removeFirst()
        if let host = write.host, !Mutation.hostsAreNeverForgotten.isPlanted { forgetWrite(of: host) }
        return write
    }

    private func forgetWrite(of host: UInt32) {
        guard let count = writesByHost[host] else { return }
        writesByHost[host] = count > 1 ? count - 1 : nil
    }

    private func stop(_ error: LogError) {
        hasFailed = true
        environment.fail(error)
    }

    // MARK: Answers

    private func answer(_ reply: ShardReply, _ source: RequestSource, checkpoint: LogIndex) {
        if case .refused(let code) = reply {
            environment.counters.refusals.add()
            if code == .couldNotPickBlockServices { environment.blockServicesAreMissing() }
        }
        onAnswer?(reply, source, checkpoint)
    }

    private func refuse(_ failure: ShardFailure, _ source: RequestSource) throws(DecodeError) {
        switch failure {
        case .refused(let code): refuse(code, source)
        case .undecodable(let error): throw error
        case .state(let error): fail(error, source)
        }
    }

    /// Says no, without having looked at the state.
    package func refuse(_ code: ProtocolError, _ source: RequestSource) {
        answer(.refused(code), source, checkpoint: core.appliedIndex)
    }

    /// Our own trouble with one request. A store that fails for good shows when the next entry is applied, which ends
    /// the process.
    private func fail(_ error: any Error, _ source: RequestSource) {
        environment.counters.failures.add()
        environment.logger.error("shard \(core.shard) answers INTERNAL_ERROR: \(error)")
        onAnswer?(.refused(.internalError), source, core.appliedIndex)
    }
}
