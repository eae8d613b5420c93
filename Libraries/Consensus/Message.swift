/// What replicas of one group tell each other. That both belong to the same group of the same cluster is for the
/// transport to ensure.
public struct Message: Equatable, Sendable {
    public var from: Member
    public var to: Member
    /// The sender's term; that of a question who would vote is the term the election would begin.
    public var term: Term
    public var body: Body

    public enum Body: Equatable, Sendable {
        case askVote(VoteRequest)
        case vote(VoteAnswer)
        case append(Append)
        case appended(AppendAnswer)
        /// From a leader that has given its lease up: begin an election at once.
        case takeOver
        /// From a leader: the log from where you are is gone; there is a snapshot.
        case offer(SnapshotOffer)
        /// From a leader: you acknowledged this much to me, and have less.
        case forgot(round: UInt64, acknowledged: LogIndex)
    }

    public init(from: Member, to: Member, term: Term, body: Body) {
        self.from = from
        self.to = to
        self.term = term
        self.body = body
    }
}

public struct VoteRequest: Equatable, Sendable {
    public enum Purpose: Equatable, Sendable {
        /// Would you vote for me? Changes nothing.
        case asking
        case election
        /// The leader has asked me to take over and has no lease any more: promises to it do not count.
        case transfer
    }

    public var last: Position
    public var purpose: Purpose

    public init(last: Position, purpose: Purpose) {
        self.last = last
        self.purpose = purpose
    }
}

public struct VoteAnswer: Equatable, Sendable {
    /// The term that was asked for.
    public var asked: Term
    /// Whether the request changed nothing, and neither does the answer.
    public var isAsking: Bool
    public var isGranted: Bool

    public init(asked: Term, isAsking: Bool, isGranted: Bool) {
        self.asked = asked
        self.isAsking = isAsking
        self.isGranted = isGranted
    }
}

public struct Append: Equatable, Sendable {
    /// Counts the leader's messages to this peer in its term; the answer repeats it.
    public var round: UInt64
    /// What the first entry follows on.
    public var previous: Position
    public var entries: [Entry]
    public var commit: LogIndex

    public init(round: UInt64, previous: Position, entries: [Entry], commit: LogIndex) {
        self.round = round
        self.previous = previous
        self.entries = entries
        self.commit = commit
    }
}

public struct SnapshotOffer: Equatable, Sendable {
    /// Counts on with the leader's appends; what is acknowledged for it repeats it.
    public var round: UInt64
    public var base: SnapshotBase

    public init(round: UInt64, base: SnapshotBase) {
        self.round = round
        self.base = base
    }
}

public struct AppendAnswer: Equatable, Sendable {
    public enum Outcome: Equatable, Sendable {
        /// The logs agree up to here, and this much is durable.
        case matched(through: LogIndex)
        /// The log has nothing at the position asked for. The hint is the last position in it that may agree.
        case conflict(hint: Position, last: LogIndex)
    }

    public var round: UInt64
    public var outcome: Outcome
    /// What the answerer knows to be final.
    public var commit: LogIndex
    /// It is in doubt about its log, and must not be counted.
    public var doubt: Nonce?

    public init(round: UInt64, outcome: Outcome, commit: LogIndex, doubt: Nonce?) {
        self.round = round
        self.outcome = outcome
        self.commit = commit
        self.doubt = doubt
    }
}
