import Protocol
import Store

// What is remembered of requests, so that a copy changes nothing. All of it is replicated state: it depends on the log
// alone and survives restarts.

extension ShardState {
    /// What was answered to a number that is in `executed`.
    func reply(to sequence: UInt64) throws(ShardStateError) -> RememberedReply {
        let key = keys.executed(sequence)
        guard let reply: RememberedReply = try readRecord(key) else { throw .corruptRecord(key: key) }
        return reply
    }

    func remember(_ reply: RememberedReply, for sequence: UInt64) throws(ShardStateError) {
        // An entry that nobody checked may close its own number.
        guard sequence > nextProgress.closedSequence else { return }
        try remember(keys.executed(sequence), reply)
        addedSequence = sequence
    }

    /// Nothing up to `last` will be carried out any more, so the answers are not needed either.
    func close(through last: UInt64) {
        guard last > nextProgress.closedSequence else { return }
        nextProgress.closedSequence = last
        for sequence in executed.upTo(last) { delete(keys.executed(sequence)) }
    }

    /// What was answered to a request without a number, if it is still remembered.
    func reply(to request: RequestKey) throws(ShardStateError) -> RememberedReply? {
        try readRecord(keys.recent(request))
    }

    /// Remembers the answer to a request that is not remembered yet, and forgets some that are too old or too many.
    /// `time` is the clock's, so that one that jumps costs a few of them; entry times would be ahead of all for long.
    func remember(_ reply: RememberedReply, for request: RequestKey, at time: Timestamp) throws(ShardStateError) {
        try remember(keys.recent(request), reply)
        try remember(keys.recentOrder(progress.nextRecent), RecentRequest(time: time, key: request))
        nextProgress.nextRecent = progress.nextRecent &+ 1
        try forgetRecent(at: time)
    }

    private func forgetRecent(at time: Timestamp) throws(ShardStateError) {
        // More go at once than come at once, but never so many that an entry takes long.
        let last = min(progress.nextRecent, progress.firstRecent &+ 4)
        while nextProgress.firstRecent < last {
            let place = keys.recentOrder(nextProgress.firstRecent)
            guard let oldest: RecentRequest = try readRecord(place) else { throw .corruptRecord(key: place) }
            // One from far ahead was remembered while the clock was wrong.
            let distance = time > oldest.time
                ? time.nanoseconds - oldest.time.nanoseconds : oldest.time.nanoseconds - time.nanoseconds
            let isOld = distance > RepetitionLimits.recentNanoseconds
            let count = nextProgress.nextRecent &- nextProgress.firstRecent
            guard isOld || count > RepetitionLimits.recent else { return }
            delete(place)
            delete(keys.recent(oldest.key))
            nextProgress.firstRecent &+= 1
        }
    }

    private func remember(_ key: [UInt8], _ record: some WireValue) throws(ShardStateError) {
        do throws(ShardFailure) {
            try put(key, record)
        } catch {
            guard case .state(let failure) = error else { throw .corruptRecord(key: key) }
            throw failure
        }
    }

    /// The numbers whose answers the store holds.
    static func storedSequences(
        _ store: any OrderedStore, _ keys: ShardKeys
    ) throws(ShardStateError) -> ExecutedSequences {
        var sequences = ExecutedSequences()
        let iterator = store.iterator(from: keys.lowest(.executed), upTo: keys.end(of: .executed))
        iterator.seekToFirst()
        while iterator.isValid {
            guard iterator.key.count == 10 else { throw .corruptRecord(key: iterator.key) }
            sequences.insert(iterator.key.bigEndian(at: 2))
            iterator.next()
        }
        do throws(StoreError) {
            try iterator.checkStatus()
        } catch {
            throw .store(error)
        }
        return sequences
    }
}
