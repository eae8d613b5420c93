import Protocol

/// What the writer tells a lane.
enum LogReport: Sendable {
    /// Everything up to these entries is durable.
    case durable(LogTails)
    /// Whether there is room on the disk for more.
    case room(Bool)
    /// Nothing more will become durable.
    case failed(LogError)
}

/// The groups of one loop, on their way to and from the writer thread.
///
/// What the groups propose during one turn of the loop is submitted together at its end, and what became durable is
/// delivered in the order of the log, group by group.
///
/// `@unchecked Sendable`: all state is touched only by what the owner runs on its loop, directly or through `resume`;
/// the writer thread calls `receive`, which touches nothing but `resume`.
public final class LogLane: @unchecked Sendable {
    /// What all groups of a lane may have in flight, bytes: bounds the memory of a loop with many groups.
    public var windowBytes = 32 << 20

    private let host: LogHost
    private let resume: @Sendable (@escaping @Sendable () -> Void) -> Void
    private var groups: [LogGroupID: HostedLog] = [:]
    private var gathered = LogBatch()
    private var inFlightBytes = 0
    private var isSubmissionDue = false
    private var isDiskFull = false
    private var failure: LogError?

    init(host: LogHost, resume: @escaping @Sendable (@escaping @Sendable () -> Void) -> Void) {
        self.host = host
        self.resume = resume
    }

    /// Adds a group whose state machine has everything up to `delivered`, the last entry in the log. On the lane's
    /// loop.
    public func open(
        _ id: LogGroupID, delivered: LogIndex, limits: LogLimits = LogLimits()
    ) -> HostedLog {
        precondition(groups[id] == nil, "\(id) is open already")
        let log = HostedLog(LogGroup(id: id, delivered: delivered, limits: limits), lane: self)
        if let failure { log.stop(failure) } else { groups[id] = log }
        return log
    }

    var hasRoom: Bool { inFlightBytes < windowBytes && !isDiskFull }

    func gather(_ entry: LogEntry, of group: LogGroupID) {
        gathered.append(entry, of: group)
        inFlightBytes += entry.bytes.count
        guard !isSubmissionDue else { return }
        isSubmissionDue = true
        resume { [self] in submit() }
    }

    func delivered(byteCount: Int) {
        inFlightBytes -= byteCount
    }

    private func submit() {
        isSubmissionDue = false
        guard failure == nil, !gathered.isEmpty else { return }
        let batch = gathered
        gathered = LogBatch()
        host.submit(batch, from: self)
    }

    /// From the writer thread.
    func receive(_ report: LogReport) {
        resume { [self] in handle(report) }
    }

    private func handle(_ report: LogReport) {
        switch report {
        case .durable(let tails):
            for (group, index) in tails { groups[group]?.persisted(through: index) }
        case .room(let hasRoom):
            isDiskFull = !hasRoom
        case .failed(let error):
            guard failure == nil else { return }
            failure = error
            gathered = LogBatch()
            let stopped = groups.values.sorted { $0.id < $1.id }
            groups.removeAll()
            for group in stopped { group.stop(error) }
        }
    }
}
