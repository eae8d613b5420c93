import Protocol

/// Records on their way into the log.
struct PendingRecords {
    private var records: [LogRecord] = []
    /// When the oldest record has to go even if nothing urgent comes; nil when there is none.
    private(set) var deadline: UInt64?
    private var isUrgent = false
    /// Entries taken out that are not committed yet.
    var proposed = 0

    var isEmpty: Bool { records.isEmpty }

    /// A record that somebody waits for.
    mutating func addUrgent(_ record: LogRecord) {
        records.append(record)
        isUrgent = true
    }

    /// A record that nobody waits for; it goes with the next urgent one, or at `deadline`.
    mutating func addLazy(_ record: LogRecord, deadline: UInt64) {
        records.append(record)
        if self.deadline == nil { self.deadline = deadline }
    }

    /// Whether an entry should be proposed at `now`.
    func isDue(at now: UInt64) -> Bool {
        isUrgent || (deadline.map { $0 <= now } ?? false)
    }

    /// Takes everything out, in order.
    mutating func take() -> [LogRecord] {
        defer {
            records = []
            deadline = nil
            isUrgent = false
        }
        return records
    }
}
