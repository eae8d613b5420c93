import Consensus

/// A log that can be read from its oldest retained entry on.
public protocol LogSource: AnyObject {
    /// What counts of all that was written, by group.
    var contents: [LogGroupID: LogContents] { get }

    /// Hands every retained entry that counts to `body` in the order in which it was written, which is index order
    /// within each group. Entries that `trim` released may still be among them.
    func replay(_ body: (LogGroupID, StoredEntry) throws -> Void) throws
}

/// Where the entries of all groups of a process lie until the state that they produce is durable itself.
///
/// Belongs to one thread at a time. After an error of `write`, `sync` or `trim` it must not be used any more, unless it is
/// `noSpace`: then nothing has happened, and the same may be tried again when there is room.
public protocol LogStore: LogSource {
    /// Another one for each log that is made anew: who answers for what is in it.
    var incarnation: Incarnation { get }

    /// Payload bytes that one write may have at most.
    var largestWriteBytes: Int { get }

    /// Hands the entries that count to `body`, of each group those from an index on, in the order in which they were
    /// written: an entry stands for its index in place of one that came before. Ends when `body` returns false.
    func read(from starts: [LogGroupID: LogIndex], _ body: (LogGroupID, LogEntry) throws -> Bool) throws

    /// Writes the batches behind everything written before, not necessarily durably.
    func write(_ batches: [LogBatch]) throws(LogError)

    /// Makes everything written durable.
    func sync() throws(LogError)

    /// The state of each named group is durable up to the given entry, which need not be retained any longer.
    func trim(through indices: [LogGroupID: LogIndex]) throws(LogError)

    /// Bytes that retained entries take.
    var retainedBytes: Int { get }

    /// Frees what the store holds of the operating system. It does not sync.
    func close()
}

extension LogSource {
    /// Replays what each group has not applied yet, and returns the last index of every group: where it goes on.
    ///
    /// - Parameter applied: what the flushed state of each group contains. An entry of a group not named here is
    ///   corruption, and so is a gap between a group's state and its log, or a state that is older than what a base
    ///   says was durable.
    public func replay(
        after applied: [LogGroupID: LogIndex], _ body: (LogGroupID, StoredEntry) throws -> Void
    ) throws -> [LogGroupID: LogIndex] {
        try checkBases(applied)
        var last = applied
        var seen: [LogGroupID: LogIndex] = [:]
        try replay { group, entry in
            guard let position = last[group] else {
                throw LogError.corruption("\(group) has entries here but no state")
            }
            if let previous = seen[group], entry.index != previous.next {
                throw LogError.corruption("\(group): entry \(entry.index) follows entry \(previous)")
            }
            seen[group] = entry.index
            guard entry.index > position else { return }
            guard entry.index == position.next else {
                throw LogError.corruption("\(group): its state ends at \(position), its log begins at \(entry.index)")
            }
            try body(group, entry)
            last[group] = entry.index
        }
        return last
    }

    private func checkBases(_ applied: [LogGroupID: LogIndex]) throws(LogError) {
        for (group, contents) in contents {
            guard let base = contents.base, let position = applied[group], position < base.index else { continue }
            throw .corruption("\(group): its state ends at \(position), and was durable up to \(base.index)")
        }
    }
}
