import Consensus
import Protocol

/// What the writer tells a lane.
enum LogReport: Sendable {
    /// These writes and all before them are durable.
    case durable([LogMark])
    /// What was wanted back from the log.
    case read(LogReadAnswer)
    /// Whether there is room on the disk for more.
    case room(Bool)
    /// Nothing more will become durable.
    case failed(LogError)
}

/// The groups of one loop, on their way to and from the writer thread.
///
/// What the groups want written during one turn of the loop is submitted together at its end, and what became durable is
/// reported in the order of the log, group by group.
///
/// `@unchecked Sendable`: all state is touched only by what the owner runs on its loop, directly or through
/// `LaneLoop.resume`; the writer thread calls `receive`, which touches nothing but that.
public final class LogLane: @unchecked Sendable {
    /// What all groups of a lane may have proposed and not yet delivered, bytes: bounds the memory of a loop with many
    /// groups.
    public var windowBytes = 32 << 20

    /// How its groups reach their other replicas; nil: they have none.
    public var peers: (any PeerLine)?
    /// Called when a peer lacks what the log has let go of, and the group's state cannot be had as a whole.
    public var onLack: ((LogGroupID, Member) -> Void)?
    /// Called with a sentence when the log cannot be read where a peer needs it, which gets a snapshot then, and when a
    /// peer sends what cannot be.
    public var onTrouble: ((String) -> Void)?
    /// Called when the state of a group has to become durable before its log goes on; `flushed` says that it is.
    public var onFlush: ((LogGroupID) -> Void)?

    let host: LogHost
    let loop: LaneLoop
    private(set) var groups: [LogGroupID: Replica] = [:]
    /// In the order in which they were opened.
    private(set) var replicas: [Replica] = []
    private var gathered = LogBatch()
    /// What goes to peers at the end of the turn.
    private var said: [(group: LogGroupID, message: Message)] = []
    private var wantsHeartbeat = false
    private var inFlightBytes = 0
    private var isSubmissionDue = false
    private var isDiskFull = false
    private var failure: LogError?
    private var pauses = HiddenPauseWatch()

    init(host: LogHost, _ loop: LaneLoop) {
        self.host = host
        self.loop = loop
    }

    /// Adds a replica of a group. On the lane's loop.
    ///
    /// - Parameters:
    ///   - stored: what the disk has of it.
    ///   - state: with everything up to the base of `stored` applied.
    ///   - home: where that lies; nil where nobody ever needs it as a whole.
    public func open(
        _ id: LogGroupID, _ member: Member, _ stored: StoredState, _ state: any ReplicatedState,
        home: StateHome? = nil, settings: Settings = Settings()
    ) -> Replica {
        precondition(groups[id] == nil, "\(id) is open already")
        let consensus = Consensus(member, stored, settings: settings, seed: loop.seed(), at: loop.now())
        let replica = Replica(id, consensus, state, home, lane: self)
        if let failure {
            replica.stop(failure)
        } else {
            groups[id] = replica
            replicas.append(replica)
        }
        return replica
    }

    var now: BootInstant { loop.now() }

    /// The time by which leases are judged; what was promised before this machine may have stood still counts no more.
    var timeOfLeases: BootInstant {
        let now = loop.now()
        if peers != nil, pauses.notices(at: now, wall: loop.wall()) {
            for replica in replicas { replica.voidLease(at: now) }
        }
        return now
    }

    /// Whether the log has no room for more. On the loop.
    public var isFull: Bool { isDiskFull }

    func read(_ read: LogRead) { host.read(read) }
    var hasRoom: Bool { inFlightBytes < windowBytes && !isDiskFull }

    /// Puts a write behind all others.
    func gather(_ number: WriteNumber, _ items: some Sequence<LogItem>, of group: LogGroupID) {
        for item in items { gathered.append(item, of: group) }
        gathered.complete(number, of: group)
        submitSoon()
    }

    /// Sends a message at the end of the turn.
    func say(_ message: Message, in group: LogGroupID) {
        said.append((group, message))
        submitSoon()
    }

    /// Has the process's next heartbeat sent at the end of the turn.
    func hurryHeartbeat() {
        wantsHeartbeat = true
        submitSoon()
    }

    private func submitSoon() {
        guard !isSubmissionDue else { return }
        isSubmissionDue = true
        loop.resume { [self] in submit() }
    }

    func proposed(byteCount: Int) { inFlightBytes += byteCount }

    func delivered(byteCount: Int) { inFlightBytes -= byteCount }

    private func submit() {
        isSubmissionDue = false
        guard failure == nil else { return }
        talk()
        guard !gathered.isEmpty else { return }
        let batch = gathered
        gathered = LogBatch()
        host.submit(batch, from: self)
    }

    private func talk() {
        if !said.isEmpty { peers?.send(said) }
        said.removeAll(keepingCapacity: true)
        if wantsHeartbeat { peers?.hurryHeartbeat() }
        wantsHeartbeat = false
    }

    /// From the writer thread.
    func receive(_ report: LogReport) {
        loop.resume { [self] in handle(report) }
    }

    private func handle(_ report: LogReport) {
        switch report {
        case .durable(let marks):
            for mark in newest(of: marks) { groups[mark.group]?.persisted(through: mark.write) }
        case .read(let answer):
            groups[answer.group]?.supply(answer)
        case .room(let hasRoom):
            isDiskFull = !hasRoom
        case .failed(let error):
            guard failure == nil else { return }
            failure = error
            gathered = LogBatch()
            // Whoever reaches the peers holds this lane as well.
            peers = nil
            let stopped = replicas
            groups.removeAll()
            replicas.removeAll()
            for replica in stopped { replica.stop(error) }
        }
    }

    /// Its loop is gone, and with it what was left there: the lane lets go of its groups as if the log had been closed.
    package func loopHasEnded() { handle(.failed(.closed)) }

    /// The last mark of each group, in the order of the groups.
    private func newest(of marks: [LogMark]) -> [LogMark] {
        var newest: [LogGroupID: LogMark] = [:]
        for mark in marks { newest[mark.group] = mark }
        return newest.values.sorted { $0.group < $1.group }
    }
}
