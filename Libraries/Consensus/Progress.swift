/// What a leader knows of one peer.
struct Progress: Sendable {
    enum Mode: Equatable, Sendable {
        /// It is not known where the logs agree: one message at a time.
        case probing
        /// Entries are sent as they come, without waiting for answers.
        case streaming
        /// The caller reads what the peer needs from disk.
        case supplying
        /// It needs this snapshot first.
        case snapshot(SnapshotBase)
    }

    var member: Member
    var mode = Mode.probing
    /// The logs agree up to here, and the peer has it on disk.
    var match = LogIndex.zero
    /// The next entry to be sent.
    var next: LogIndex
    /// What the peer knows to be final.
    var commit = LogIndex.zero
    /// Of the last append sent.
    var round: UInt64 = 0
    /// Answers of conflict to this round or earlier ones are outdated.
    var settledRound: UInt64 = 0
    /// The last one sent when `match` became known: who answers a later one has at least that.
    var matchRound: UInt64 = 0
    /// Bytes of entries that may be on their way; nil: as many as the settings say.
    var window: Int?
    /// A probe is under way.
    var isWaiting = false
    /// When something was sent last.
    var sentAt: BootInstant
    /// When it showed last that it follows this leader.
    var heardAt: BootInstant
    /// The newest of this leader's heartbeats, by when it was sent, for which the peer gave its promise.
    var promisedAt: BootInstant?
    /// The peer is in doubt about its log, and is not counted.
    var doubt: Nonce?
    /// Of the last append or offer sent when the peer told its doubt: what answers an earlier one is of its former
    /// life.
    var doubtRound: UInt64 = 0
    /// It has less than it acknowledged, and does not know it yet; it is told so from this round on.
    var forgotRound: UInt64?

    init(_ member: Member, next: LogIndex, at now: BootInstant) {
        self.member = member
        self.next = next
        sentAt = now
        heardAt = now
    }

    /// Whether what it acknowledges is to be counted.
    var isCounted: Bool { doubt == nil && forgotRound == nil }

    /// Its log is to be compared anew. Before its first answer nothing better is known than what is tried already.
    mutating func probe() {
        if mode != .probing { next = match.next }
        mode = .probing
        isWaiting = false
    }
}
