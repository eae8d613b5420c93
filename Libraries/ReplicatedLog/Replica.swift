import Consensus
import DequeModule
import Mutations
import Protocol

/// One replica of a group between its state machine, its log and its peers, on the loop of its lane. Not thread-safe.
///
/// It carries out what `Consensus` wants done. Commands go to the owner, for the state machine to apply; what else is in
/// the log the state only has to pass.
public final class Replica {
    /// Called for each command once it is final, in index order, each once, whoever proposed it.
    public var onDelivery: ((LogEntry) -> Void)?
    /// Called when this replica leads and has applied all that was acknowledged before: now it may read and propose.
    public var onServing: (() -> Void)?
    /// Called when it no longer leads: what it proposed is neither done nor undone, and waiting reads are forgotten.
    public var onSteppingDown: (() -> Void)?
    /// Called when another replica is known to lead.
    public var onFollowing: (() -> Void)?
    /// Called when a snapshot has taken the state's place: the owner goes on with this state machine.
    public var onReplaced: ((any ReplicatedState) -> Void)?
    /// Called once when the log has failed or was closed: nothing that is in flight will be delivered. Nothing else is
    /// called any more.
    public var onStop: ((LogError) -> Void)?

    public let id: LogGroupID
    var consensus: Consensus
    var state: any ReplicatedState
    /// Where the state lies; nil where nobody ever needs it as a whole.
    let home: StateHome?
    let lane: LogLane
    private(set) var failure: LogError?
    private var effects: [Effect] = []
    private var isBusy = false
    /// When time itself has something to do to the group.
    private(set) var deadline: BootInstant?
    /// Where its followers are while it leads, as the process's heartbeats know.
    private var notedFollowers: SlotSet?
    /// The last entry that the owner or the state was given.
    var delivered: LogIndex
    /// Bytes proposed here and not delivered yet.
    private var proposedBytes = 0
    /// This write and all before it are durable.
    private(set) var durableWrite = WriteNumber.none
    /// The last write of a base that is not durable yet.
    var pendingBase = WriteNumber.none
    /// What may be told only when a write is durable, in the order in which it was wanted.
    var heldMessages = Deque<(message: Message, write: WriteNumber)>()
    /// Reads that wait for heartbeats or for entries.
    var waitingReads: [WaitingRead] = []
    /// What peers fetch from here.
    var outgoing: OutgoingSnapshot?
    /// What this replica fetches.
    var incoming: IncomingSnapshot?
    /// The snapshot that has taken the state's place and is not durable there yet.
    var installing: SnapshotBase?

    init(
        _ id: LogGroupID, _ consensus: Consensus, _ state: any ReplicatedState, _ home: StateHome?,
        lane: LogLane
    ) {
        self.id = id
        self.consensus = consensus
        self.state = state
        self.home = home
        self.lane = lane
        delivered = consensus.delivered
    }

    /// Begins to take part in the group. Called once, when the callbacks are set.
    public func start() { step { $0.tick(at: $1) } }

    /// The owner goes on with another state machine on the same state: one that knows nothing but that.
    public func exchange(_ state: any ReplicatedState) {
        precondition(state.appliedIndex == self.state.appliedIndex, "\(id) has another state")
        self.state = state
    }

    /// Whether it may read and propose.
    public var serves: Bool { failure == nil && consensus.serves }
    /// Commands and whatever else are in the log behind what was delivered.
    public var inFlightCount: Int { Int(clamping: consensus.last.index.rawValue &- delivered.rawValue) }
    /// Up to where the state machine has everything.
    public var applied: LogIndex { state.appliedIndex }
    /// What the log may let go of when the state is flushed. A peer that still needs it gets a snapshot.
    public var trimIndex: LogIndex { pendingBase == .none && installing == nil ? state.appliedIndex : .zero }

    /// Puts `bytes` into the log. `onDelivery` is called, never from within this call, when the entry is final; after a
    /// refusal, a stop, or when it steps down, nothing is promised.
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
        durableWrite = max(durableWrite, write)
        if write >= pendingBase { pendingBase = .none }
        step { $0.persisted(through: write, at: $1) }
        sendHeld()
    }

    func stop(_ error: LogError) {
        guard failure == nil else { return }
        failure = error
        forgetLeading()
        heldMessages.removeAll()
        incoming = nil
        onStop?(error)
    }

    /// An entry that was proposed here is delivered.
    func settle(_ bytes: [UInt8]) {
        proposedBytes -= bytes.count
        lane.delivered(byteCount: bytes.count)
    }

    func stepDown() {
        let hasLed = notedFollowers != nil
        forgetLeading()
        if hasLed, !Mutation.othersCommandsAreOurs.isPlanted { onSteppingDown?() }
    }

    private func forgetLeading() {
        lane.delivered(byteCount: proposedBytes)
        proposedBytes = 0
        waitingReads.removeAll()
        outgoing = nil
        guard notedFollowers != nil else { return }
        notedFollowers = nil
        lane.note(id, isLedIn: nil, followers: SlotSet())
    }

    /// It leads: its process's heartbeats tell the others.
    func noteFollowers() {
        var followers = consensus.configuration.slots
        followers.remove(consensus.member.slot)
        guard followers != notedFollowers else { return }
        notedFollowers = followers
        lane.note(id, isLedIn: consensus.term, followers: followers)
    }

    // MARK: Consensus

    /// Lets something happen to the group, at this time, and what follows from it.
    func step(_ body: (inout Consensus, BootInstant) -> Void) {
        guard failure == nil else { return }
        body(&consensus, lane.now)
        carryOut()
    }

    private func carryOut() {
        // What the owner does from within a delivery has its turn when that is over.
        guard !isBusy else { return }
        isBusy = true
        while consensus.hasEffects {
            consensus.takeEffects(into: &effects)
            for effect in effects where failure == nil { carryOut(effect) }
        }
        if notedFollowers != nil { noteFollowers() }
        deadline = consensus.deadline
        isBusy = false
    }
}
