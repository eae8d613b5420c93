import Protocol
import Store

/// The cross-directory coordinator (CDC): carries out requests that touch more than one shard (spec part D).
///
/// No I/O and no clock: inputs are clients' requests, shards' answers, log entries that became durable, and the time;
/// what it wants done collects in `outbox` and in `takeEntries`. It is confined to one thread. Start-up: `replay`
/// every log entry after `appliedIndex`, then `committed` for each that follows. `lead` begins to lead, once: a replica
/// that leads no longer goes on with a new one (`init(following:)`).
public final class Coordinator {
    let options: CoordinatorOptions
    let ledger: CoordinatorLedger

    /// What has to be sent; the owner takes it out after each batch of inputs.
    public internal(set) var outbox = Outbox()
    public internal(set) var statistics = CoordinatorStatistics()

    /// One transaction that is waiting for locks or executing.
    final class Running {
        let id: TransactionID
        let origin: RequestOrigin?
        var machine: any Transaction
        /// The begin record is, or is going to be, in the log.
        var isLogged: Bool
        var hasStarted = false
        /// It was begun before, by an earlier leader or by this one, and nobody knows how far it got.
        var hasStartedAgain: Bool
        /// Requests that no shard has answered yet.
        var openRequests: Set<UInt64> = []
        /// How often a shard has refused something for the moment; spaces the repetitions.
        var refusals = 0
        /// The begin record is on its way into the log.
        var awaitsBegin = false
        /// A shard has closed the number of a write without saying what became of it (README.md, "Exactly once").
        var isInDoubt = false
        /// The answer, held back until the log knows it.
        var heldReply: Result<AnyCdcResponse, ProtocolError>?

        init(_ id: TransactionID, origin: RequestOrigin?, machine: any Transaction, isLogged: Bool) {
            self.id = id
            self.origin = origin
            self.machine = machine
            self.isLogged = isLogged
            hasStartedAgain = isLogged
        }
    }

    public private(set) var isLeading = false
    /// Whether shards know the envelopes that carry numbers (README.md, "Exactly once").
    public private(set) var numbersRequests = true
    var lastTransaction = TransactionID(rawValue: 0)
    var running: [TransactionID: Running] = [:]
    var origins: [RequestOrigin: TransactionID] = [:]
    var locks = LockTable()
    var shares = TransactionShares()
    /// Holds back reentrance: starting a transaction may finish it, which may start others.
    var runnable: [TransactionID] = []

    // Shard requests
    var nextRequestID: UInt64 = 0
    var requests: [UInt64: ShardRequest] = [:]
    /// One for each shard.
    var channels = [ShardChannel](repeating: ShardChannel(), count: ShardID.count)
    /// The first number of this leader; all before it are earlier ones' or nobody's.
    var firstSequence: UInt64 = 1
    var nextSequence: UInt64 = 1
    /// The last number that the log knows to be reserved.
    var lastSequence: UInt64 = 0
    var isReservingSequences = false
    /// Stale answers to numbers below this one have been reacted to.
    var leaptTo: UInt64 = 0

    // Directory ids
    var freeDirectories: [InodeID] = []
    var waitingForDirectory: [TransactionID] = []
    var isReserving = false
    /// The first id of the reservation that is on its way into the log.
    var firstReserved: UInt64 = 0
    /// Ids whose fate is being looked up, and moves that wait for it.
    var recovering: Set<InodeID> = []
    var waitingForRecovery: [TransactionID] = []
    /// Directories that are being moved, and moves that wait for others.
    var moves = DirectoryMoves()

    // The log
    var pending = PendingRecords()
    /// Owners that are decided but not applied yet; nil for "no owner any more".
    var decidedOwners: [InodeID: InodeID?] = [:]
    /// The same for answers: a copy of a request may come while the record of its answer is on its way.
    var decidedReplies: [RequestOrigin: Result<AnyCdcResponse, ProtocolError>] = [:]

    /// - Parameters:
    ///   - store: holds the coordinator's state, in keys that start with `prefix`.
    /// - Throws: `CoordinatorFailure` when the state cannot be read.
    public init(
        store: any OrderedStore, prefix: [UInt8], options: CoordinatorOptions
    ) throws(CoordinatorFailure) {
        self.options = options
        ledger = try CoordinatorLedger(store: store, prefix: prefix)
    }

    /// The follower that a leader becomes. Of `leader` it takes the ledger, which has nothing but what the log has, and
    /// what metrics go by. Whatever else a leader has in mind is in the leader itself, and goes with it: nothing that
    /// somebody adds there can be forgotten here.
    public init(following leader: Coordinator) {
        options = leader.options
        ledger = leader.ledger
        countOn(from: leader)
    }

    /// Takes over what metrics go by.
    public func countOn(from other: Coordinator) {
        statistics = other.statistics
        // Numbers that a replica's successor has closed look like a stranger's to it, until it knows.
        statistics.shardsTakenOver = 0
    }

    /// Takes out everything that has to be sent.
    public func takeOutbox() -> Outbox {
        defer { outbox = Outbox() }
        return outbox
    }

    /// The last log entry that is part of the state; replay begins after it.
    public var appliedIndex: LogIndex { ledger.appliedIndex }

    /// Transactions executing or waiting for locks, recoveries included.
    public var transactionCount: Int { running.count }

    /// Whether nothing is under way: no transaction, no lock, nothing that the log does not know yet.
    public var isIdle: Bool { running.isEmpty && requests.isEmpty && isLogged }

    /// Whether the log has, durably, everything that was decided so far.
    public var isLogged: Bool { pending.isEmpty && pending.proposed == 0 }

    /// Carries out a log entry at start-up.
    public func replay(_ entry: [UInt8], at index: LogIndex) throws(CoordinatorFailure) {
        precondition(!isLeading, "a leader learns of its entries through committed(_:at:)")
        _ = try ledger.apply(entry, at: index)
    }

    /// Starts to lead: finishes what was begun before, finds out about directory ids in doubt, and serves clients.
    ///
    /// - Parameters:
    ///   - firstRequestID: random, so that answers to an earlier leader are not mistaken for answers to this one, nor its
    ///     numbers used by another one.
    ///   - now: monotonic nanoseconds.
    ///   - numbersRequests: false where shards know the base protocol only.
    public func lead(
        firstRequestID: UInt64, now: UInt64, numbersRequests: Bool = true
    ) throws(CoordinatorFailure) {
        precondition(!isLeading, "leads already")
        isLeading = true
        self.numbersRequests = numbersRequests
        nextRequestID = firstRequestID
        lastTransaction = ledger.lastTransaction
        lastSequence = ledger.lastSequence
        firstSequence = lastSequence &+ 1 &+ Self.distance(firstRequestID)
        nextSequence = firstSequence
        if numbersRequests { reserveSequences() }
        reserveDirectories()
        try recover(now)
    }
}
