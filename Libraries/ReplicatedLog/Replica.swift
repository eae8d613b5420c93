import Consensus
import Mutations
import Protocol

/// One replica of a group between its state machine and its log, on the loop of its lane. Not thread-safe.
///
/// It carries out what `Consensus` wants done. Commands go to the owner, for the state machine to apply; what else is in
/// the log the state only has to pass.
public final class Replica {
    /// Called for each command once it is final, in index order, each once.
    public var onDelivery: ((LogEntry) -> Void)?
    /// Called when this replica leads and has applied all that was acknowledged before: now it may read and propose.
    public var onServing: (() -> Void)?
    /// Called once when the log has failed or was closed: nothing that is in flight will be delivered.
    public var onStop: ((LogError) -> Void)?

    public let id: LogGroupID
    private var consensus: Consensus
    private let state: any ReplicatedState
    private let lane: LogLane
    private var failure: LogError?
    private var effects: [Effect] = []
    private var isBusy = false
    /// The last entry that the owner or the state was given.
    private var delivered: LogIndex
    /// Bytes proposed here and not delivered yet.
    private var proposedBytes = 0
    /// The last write of a base that is not durable yet.
    private var pendingBase = WriteNumber.none

    init(_ id: LogGroupID, _ consensus: Consensus, _ state: any ReplicatedState, lane: LogLane) {
        self.id = id
        self.consensus = consensus
        self.state = state
        self.lane = lane
        delivered = consensus.delivered
    }

    /// Begins to take part in the group. Called once, when the callbacks are set.
    public func start() {
        guard failure == nil else { return }
        consensus.tick(at: lane.now)
        carryOut()
    }

    /// Whether it may read and propose.
    public var serves: Bool { failure == nil && consensus.serves }
    /// Commands and whatever else are in the log behind what was delivered.
    public var inFlightCount: Int { Int(clamping: consensus.last.index.rawValue &- delivered.rawValue) }
    /// What the log may let go of when the state is flushed.
    public var trimIndex: LogIndex { pendingBase == .none ? state.appliedIndex : .zero }

    /// Puts `bytes` into the log. `onDelivery` is called, never from within this call, when the entry is final; after a
    /// refusal or a stop nothing is promised.
    public func propose(_ bytes: [UInt8]) throws(ProposalRefusal) -> LogIndex {
        guard failure == nil else { throw .notLeader(leader: nil) }
        guard lane.hasRoom else {
            if Mutation.refusalsTakeRoom.isPlanted { lane.proposed(byteCount: bytes.count) }
            throw .windowFull
        }
        let index = try consensus.propose(bytes, at: lane.now)
        proposedBytes += bytes.count
        lane.proposed(byteCount: bytes.count)
        carryOut()
        return index
    }

    func persisted(through write: WriteNumber) {
        guard failure == nil else { return }
        if write >= pendingBase { pendingBase = .none }
        consensus.persisted(through: write, at: lane.now)
        carryOut()
    }

    func stop(_ error: LogError) {
        guard failure == nil else { return }
        failure = error
        forgetProposals()
        onStop?(error)
    }

    private func forgetProposals() {
        lane.delivered(byteCount: proposedBytes)
        proposedBytes = 0
    }

    // MARK: Effects

    private func carryOut() {
        // What the owner does from within a delivery has its turn when that is over.
        guard !isBusy else { return }
        isBusy = true
        while consensus.hasEffects {
            consensus.takeEffects(into: &effects)
            for effect in effects where failure == nil { carryOut(effect) }
        }
        isBusy = false
    }

    private func carryOut(_ effect: Effect) {
        switch effect {
        case .write(let number, let write):
            if case .base = write { pendingBase = number }
            lane.gather(number, write.items, of: id)
        case .deliver(let index):
            deliver(through: index)
        case .role(let role, _, _):
            if role != .leader { forgetProposals() }
        case .serves:
            onServing?()
        case .send, .supply, .fetch, .heartbeatWanted, .readable, .recovered:
            // Only who has peers does so, and `StoredState` refuses such groups.
            stop(.corruption("\(id) has other replicas, which this version cannot reach"))
        }
    }

    private func deliver(through index: LogIndex) {
        while delivered < index, failure == nil {
            delivered = delivered.next
            guard let entry = consensus.entry(at: delivered) else {
                return stop(.corruption("\(id): entry \(delivered) is final and not in memory"))
            }
            hand(over: entry)
        }
        consensus.applied(through: delivered)
        consensus.compact(through: delivered)
    }

    private func hand(over entry: Entry) {
        guard case .command(let bytes) = entry.content else { return pass(entry) }
        if consensus.role == .leader, entry.term == consensus.term {
            proposedBytes -= bytes.count
            lane.delivered(byteCount: bytes.count)
        }
        onDelivery?(LogEntry(index: entry.index, term: entry.term, kind: .command, bytes: bytes))
    }

    private func pass(_ entry: Entry) {
        do {
            let standing = Standing(term: entry.term, configuration: consensus.configuration(at: entry.index))
            try state.pass(entry.index, standing)
        } catch {
            stop(.inputOutput("the state of \(id): \(error)"))
        }
    }
}
