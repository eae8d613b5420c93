import Protocol

extension Coordinator {
    /// The entries that have to go to the log now, in this order; empty most of the time. The owner hands each back
    /// through `committed(_:at:now:)` once it is final.
    ///
    /// - Parameters:
    ///   - now: monotonic nanoseconds.
    ///   - time: the wall clock.
    public func takeEntries(now: UInt64, time: Timestamp) throws(CoordinatorFailure) -> [[UInt8]] {
        guard pending.isDue(at: now) else { return [] }
        return try encodeAll(pending.take(), time)
    }

    /// Like `takeEntries`, without waiting for company: for a clean shutdown.
    public func takeAllEntries(time: Timestamp) throws(CoordinatorFailure) -> [[UInt8]] {
        try encodeAll(pending.take(), time)
    }

    private func encodeAll(_ records: [LogRecord], _ time: Timestamp) throws(CoordinatorFailure) -> [[UInt8]] {
        var entries: [[UInt8]] = []
        var chunk: [LogRecord] = []
        var size = LogEntry.headerSize
        for record in records {
            if !chunk.isEmpty && size + record.encodedSize > options.maximumEntryBytes {
                entries.append(try encode(chunk, time))
                chunk = []
                size = LogEntry.headerSize
            }
            chunk.append(record)
            size += record.encodedSize
        }
        if !chunk.isEmpty { entries.append(try encode(chunk, time)) }
        return entries
    }

    private func encode(_ records: [LogRecord], _ time: Timestamp) throws(CoordinatorFailure) -> [UInt8] {
        pending.proposed += 1
        statistics.logEntries += 1
        statistics.logRecords += UInt64(records.count)
        do throws(EncodeError) {
            return try LogEntry(time: time, records: records).encoded()
        } catch {
            throw .unencodable(error)
        }
    }

    /// An entry is final. In index order, whoever proposed it. All that a leader is told of are its own, from
    /// `takeEntries`, as it has applied whatever was there before it began: what waited for them goes on. Nothing waits
    /// on a follower, so only the state changes there.
    public func committed(_ entry: [UInt8], at index: LogIndex, now: UInt64) throws(CoordinatorFailure) {
        guard isLeading else { return try replay(entry, at: index) }
        pending.proposed -= 1
        for record in try ledger.apply(entry, at: index) {
            switch record {
            case .begin(let id, _, _, _):
                guard let transaction = running[id] else { continue }
                transaction.awaitsBegin = false
                if transaction.isInDoubt {
                    startAgain(transaction, now)
                } else {
                    perform(transaction, now) { $0.begun(&$1) }
                }
            case .finish(let id, let changes, let reply):
                forgetDecision(reply)
                if let transaction = running[id], let reply = transaction.heldReply { answer(transaction, reply) }
                for change in changes { forgetDecision(change) }
            case .reserveDirectories(let last):
                reserved(through: last, now)
            case .directoryMade(let directory, _, let reply):
                forgetDecision(reply)
                decidedOwners.removeValue(forKey: directory)
            case .reserveSequences(let last):
                reserved(sequencesThrough: last, now)
            case .directoriesDropped:
                break
            }
        }
        try runAll(now)
    }

    private func forgetDecision(_ reply: RememberedReply?) {
        if let reply { decidedReplies[reply.origin] = nil }
    }

    private func forgetDecision(_ change: ParentChange) {
        switch change {
        case .set(let directory, _), .remove(let directory): decidedOwners.removeValue(forKey: directory)
        }
    }
}
