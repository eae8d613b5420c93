import Protocol

/// A log that can be read from its oldest retained entry on.
public protocol LogSource: AnyObject {
    /// Hands every retained entry to `body` in the order in which it was written, which is index order within each
    /// group. Entries that `trim` released may still be among them. Only before the first write.
    func replay(_ body: (LogGroupID, LogIndex, UnsafeRawBufferPointer) throws -> Void) throws
}

/// Where the entries of all groups of a process lie until the state that they produce is durable itself.
///
/// Belongs to one thread at a time. After an error of `write`, `sync` or `trim` it must not be used any more, unless it is
/// `noSpace`: then nothing has happened, and the same may be tried again when there is room.
public protocol LogStore: LogSource {
    /// Payload bytes that one write may have at most.
    var largestWriteBytes: Int { get }

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
    ///   corruption,
    ///   and so is a gap between a group's state and its log.
    public func replay(
        after applied: [LogGroupID: LogIndex],
        _ body: (LogGroupID, LogIndex, UnsafeRawBufferPointer) throws -> Void
    ) throws -> [LogGroupID: LogIndex] {
        var last = applied
        var seen: [LogGroupID: LogIndex] = [:]
        try replay { group, index, bytes in
            guard let position = last[group] else {
                throw LogError.corruption("\(group) has entries here but no state")
            }
            if let previous = seen[group], index != previous.next {
                throw LogError.corruption("\(group): entry \(index) follows entry \(previous)")
            }
            seen[group] = index
            guard index > position else { return }
            guard index == position.next else {
                throw LogError.corruption("\(group): its state ends at \(position), its log begins at \(index)")
            }
            try body(group, index, bytes)
            last[group] = index
        }
        return last
    }
}
