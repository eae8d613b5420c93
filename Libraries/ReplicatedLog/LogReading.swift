import Consensus
import Mutations
import Protocol

/// The segments of a log, and what counts of all that is written in them.
struct LogReading {
    /// Oldest first.
    var live: [Segment] = []
    private(set) var groups: [LogGroupID: LogContents] = [:]

    /// Whether any group has something that is in the log for as long as the group is.
    var needsSummary: Bool { groups.values.contains { $0.hardState != nil || $0.base != nil } }

    /// A segment is written, or read, behind all others from now on.
    mutating func begin(_ segment: Segment) {
        segment.hasSummary = !needsSummary
        live.append(segment)
    }

    // MARK: What is written

    /// Takes notice of the items of a record.
    mutating func take(_ packed: UnsafeRawBufferPointer, _ format: LogFormat, in segment: Segment) -> Bool {
        var follows = true
        let isWhole = LogBatch.forEach(in: packed, format) { item in
            if follows { follows = take(item, in: segment) }
        }
        return isWhole && follows
    }

    /// - Returns: false if the item cannot follow on what is there.
    private mutating func take(_ item: PackedItem, in segment: Segment) -> Bool {
        if item.kind == .summary {
            segment.hasSummary = true
            return true
        }
        let before = groups[item.group]?.entries?.upperBound
        guard groups[item.group, default: LogContents()].take(item) else { return false }
        switch item.kind {
        case .command, .beginning, .configuration:
            if let before, item.index <= before {
                shortenTails(of: item.group, to: LogIndex(rawValue: item.index.rawValue - 1))
            }
            segment.tails[item.group] = item.index
        case .cut, .base: shortenTails(of: item.group, to: groups[item.group]?.entries?.upperBound ?? .zero)
        case .hardState, .summary: break
        }
        return true
    }

    /// What is gone holds no segment.
    private func shortenTails(of group: LogGroupID, to last: LogIndex) {
        for segment in live {
            guard let tail = segment.tails[group], tail > last else { continue }
            segment.tails[group] = last > .zero ? last : nil
        }
    }

    /// The batches, with a cut before each base that will empty its log: when segments are gone, what is left of such a
    /// log may look as if it followed.
    func cutting(_ batches: [LogBatch]) -> [LogBatch] {
        guard batches.contains(where: \.hasBases), !Mutation.emptiedLogsAreNotCut.isPlanted else { return batches }
        var groups = groups
        return batches.map { batch in
            var result = LogBatch()
            batch.bytes.withUnsafeBytes { packed in
                _ = LogBatch.forEach(in: packed, .chained) { item in
                    let contents = groups[item.group, default: LogContents()]
                    if let base = item.base, contents.isEmptied(by: base), let first = contents.entries?.lowerBound {
                        result.append(.cut(from: first), of: item.group)
                    }
                    result.append(item)
                    _ = groups[item.group, default: LogContents()].take(item)
                }
            }
            return result
        }
    }

    // MARK: What is let go of

    /// Takes the oldest segments out whose entries nobody needs any more.
    /// - Parameter trimmed: through which entry the state of each group is durable.
    mutating func trim(through trimmed: [LogGroupID: LogIndex]) -> [Segment] {
        var count = 0
        for (place, segment) in live.dropLast().enumerated() {
            guard isTrimmed(segment, trimmed) else { break }
            // The newest hard states must not go with it.
            if live[place + 1].hasSummary || Mutation.summariesAreNotWritten.isPlanted { count = place + 1 }
        }
        let released = Array(live.prefix(count))
        live.removeFirst(count)
        for segment in released {
            for (group, tail) in segment.tails { groups[group]?.forget(through: tail) }
        }
        return released
    }

    private func isTrimmed(_ segment: Segment, _ trimmed: [LogGroupID: LogIndex]) -> Bool {
        segment.tails.allSatisfy { group, tail in
            tail <= max(trimmed[group] ?? .zero, groups[group]?.base?.index ?? .zero)
        }
    }

    // MARK: Reading

    /// Hands all entries that count to `body`, in the order in which they were written.
    func replay(_ body: (LogGroupID, StoredEntry) throws -> Void) throws {
        for segment in live {
            for record in segment.records {
                try segment.forEachItem(of: record) { item in
                    if let entry = item.stored, counts(item) { try body(item.group, entry) }
                }
            }
        }
    }

    /// Hands the entries that count to `body`, of each group those from an index on, in the order in which they were
    /// written: an entry stands for its index in place of one that came before. Ends when `body` returns false.
    ///
    /// - Throws: `unreadable` when a record has rotted since it was written, in both of its places.
    func read(
        from starts: [LogGroupID: LogIndex], identity: UInt64, _ body: (LogGroupID, LogEntry) throws -> Bool
    ) throws {
        var goesOn = true
        for segment in live where starts.contains(where: { segment.mayHold($0.value, of: $0.key) }) {
            for record in segment.records where goesOn {
                let payload =
                    Mutation.rotIsHandedOn.isPlanted
                    ? try segment.payload(of: record) : try segment.wholePayload(of: record, identity: identity)
                _ = try payload.withUnsafeBytes { packed in
                    try LogBatch.forEach(in: packed, record.format) { item in
                        guard goesOn, let start = starts[item.group], item.index >= start, let entry = item.entry,
                            counts(item)
                        else { return }
                        goesOn = try body(item.group, entry)
                    }
                }
            }
        }
    }

    private func counts(_ item: PackedItem) -> Bool {
        groups[item.group]?.counts(item.index, item.term) == true || Mutation.cutEntriesAreRead.isPlanted
    }
}
