import Consensus

/// A log store in memory that can lose what was not synced, for tests.
public final class MemoryLogStore: LogStore {
    private var durable: [LogBatch] = []
    private var unsynced: [LogBatch] = []
    private var trimmed: [LogGroupID: LogIndex] = [:]
    /// Thrown by every write while set, and by every sync unless it is `noSpace`: what was written has its room.
    public var writeFault: LogError?

    public let incarnation: Incarnation
    public let largestWriteBytes = Int.max

    public init(incarnation: Incarnation = Incarnation(rawValue: 1)) { self.incarnation = incarnation }

    public var contents: [LogGroupID: LogContents] {
        var contents: [LogGroupID: LogContents] = [:]
        for batch in durable {
            batch.forEachItem { item in
                let follows = contents[item.group, default: LogContents()].take(item)
                precondition(follows, "\(item.group): item \(item.index) does not follow")
            }
        }
        return contents
    }

    public func replay(_ body: (LogGroupID, StoredEntry) throws -> Void) throws {
        let contents = contents
        for batch in durable {
            try batch.forEachItem { item in
                guard let entry = item.stored, contents[item.group]?.counts(item.index, item.term) == true else {
                    return
                }
                try body(item.group, entry)
            }
        }
    }

    public func read(from starts: [LogGroupID: LogIndex], _ body: (LogGroupID, LogEntry) throws -> Bool) throws {
        var goesOn = true
        try replay { group, entry in
            guard goesOn, let start = starts[group], entry.index >= start else { return }
            goesOn = try body(
                group, LogEntry(index: entry.index, term: entry.term, kind: entry.kind, bytes: [UInt8](entry.bytes)))
        }
    }

    public func write(_ batches: [LogBatch]) throws(LogError) {
        if let writeFault { throw writeFault }
        unsynced.append(contentsOf: batches)
        retainedBytes += batches.reduce(0) { $0 + $1.byteCount }
    }

    public func sync() throws(LogError) {
        switch writeFault {
        case nil, .noSpace: break
        case let fault?: throw fault
        }
        durable.append(contentsOf: unsynced)
        unsynced.removeAll()
    }

    public func trim(through indices: [LogGroupID: LogIndex]) throws(LogError) {
        trimmed.merge(indices) { max($0, $1) }
        let kept = durable.drop { isTrimmed($0) }
        retainedBytes -= durable[..<kept.startIndex].reduce(0) { $0 + $1.byteCount }
        let summary = LogBatch.summary(of: contents)
        // What has to be known for as long as the group is stays.
        durable = (kept.count == durable.count || summary.entryCount == 1 ? [] : [summary]) + kept
    }

    private func isTrimmed(_ batch: LogBatch) -> Bool {
        var isTrimmed = true
        batch.forEachItem { item in
            if item.kind.isEntry { isTrimmed = isTrimmed && item.index <= trimmed[item.group] ?? .zero }
        }
        return isTrimmed
    }

    public private(set) var retainedBytes = 0

    public func close() {}

    /// Batches written since the last sync: what a crash may take away.
    public var unsyncedBatchCount: Int { unsynced.count }

    /// Loses all unsynced batches but the first `surviving`.
    public func crash(surviving: Int = 0) {
        durable.append(contentsOf: unsynced.prefix(max(surviving, 0)))
        retainedBytes -= unsynced.dropFirst(max(surviving, 0)).reduce(0) { $0 + $1.byteCount }
        unsynced.removeAll()
    }
}
