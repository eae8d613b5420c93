import Consensus
import Protocol
import Store

/// The coordinator's replicated state: a pure function of the log (spec D.2).
///
/// It holds only what must outlive a crash. Everything about how far a transaction has got is volatile and found out
/// again from the shards.
final class CoordinatorLedger {
    /// A transaction that was begun and has not finished.
    struct BegunTransaction: Equatable {
        var origin: RequestOrigin
        var request: AnyCdcRequest
        /// The reserved id that it makes a directory of; null for transactions that make none.
        var directory: InodeID
    }

    let store: any OrderedStore
    let keys: LedgerKeys
    /// The last log entry that is part of the state.
    private(set) var appliedIndex = LogIndex.zero
    /// Nil until an entry came that is not the coordinator's.
    private(set) var standing: Standing?
    private(set) var lastTransaction = TransactionID(rawValue: 0)
    /// Every directory id up to here has been handed to some leader.
    private(set) var lastReserved = InodeID.root
    /// Every number for requests to shards up to here has been handed to some leader.
    private(set) var lastSequence: UInt64 = 0
    private(set) var begun: [TransactionID: BegunTransaction] = [:]
    /// The begun transactions that make directories, by the ids they use.
    private var makers: [InodeID: TransactionID] = [:]
    /// Reserved ids whose outcome the log does not tell yet.
    private(set) var reserved: Set<InodeID> = []
    private(set) var replies = ReplyTable()
    private(set) var replyClock = ReplyClock()

    init(store: any OrderedStore, prefix: [UInt8]) throws(CoordinatorFailure) {
        self.store = store
        keys = LedgerKeys(prefix: prefix)
        try load()
    }

    /// The owner of a live directory; nil for ROOT and for everything that is not a live directory.
    func owner(of directory: InodeID) throws(CoordinatorFailure) -> InodeID? {
        do throws(StoreError) {
            guard let value = try store.get(keys.key(.parents, directory.rawValue)) else { return nil }
            guard let owner = try? InodeID(decoding: value) else {
                throw StoreError.corruption("owner of directory \(directory)")
            }
            return owner
        } catch {
            throw .store(error)
        }
    }

    /// Carries out one log entry and returns its records. An entry that is already part of the state changes nothing
    /// and returns none. Entries must come in order. Total: only a broken disk or an unknown format stops it.
    func apply(_ bytes: [UInt8], at index: LogIndex) throws(CoordinatorFailure) -> [LogRecord] {
        guard index > appliedIndex else { return [] }
        let entry: LogEntry
        do throws(DecodeError) {
            entry = try LogEntry(decoding: bytes)
        } catch {
            throw .unknownEntry(index, error)
        }
        var batch = WriteBatch(reservingBytes: bytes.count * 2)
        let age = replyClock.advance(to: entry.time)
        for record in entry.records { try apply(record, at: age, &batch) }
        for sequence in replies.expire(at: age) { batch.delete(keys.key(.replies, sequence)) }
        try commit(index, &batch)
        return entry.records
    }

    /// The entry at `index` is none of the coordinator's: the group stands so from there on.
    func pass(_ index: LogIndex, _ standing: Standing) throws(CoordinatorFailure) {
        guard index > appliedIndex else { return }
        var batch = WriteBatch()
        self.standing = standing
        batch.put(keys.standing, try encoded(standing))
        try commit(index, &batch)
    }

    private func commit(_ index: LogIndex, _ batch: inout WriteBatch) throws(CoordinatorFailure) {
        appliedIndex = index
        batch.put(keys.meta, try encoded(LedgerMeta(self)))
        do throws(StoreError) {
            try store.write(batch, durable: false)
        } catch {
            throw .store(error)
        }
    }

    private func apply(
        _ record: LogRecord, at time: ReplyTime, _ batch: inout WriteBatch
    ) throws(CoordinatorFailure) {
        switch record {
        case .begin(let transaction, let origin, let request, let directory):
            begin(transaction, BegunTransaction(origin: origin, request: request, directory: directory))
            lastTransaction = max(lastTransaction, transaction)
            batch.put(keys.key(.begun, transaction.rawValue), try encoded(record))
        case .finish(let transaction, let changes, let reply):
            endTransaction(transaction, &batch)
            for change in changes { try apply(change, &batch) }
            try remember(reply, at: time, &batch)
        case .reserveDirectories(let last):
            reserve(through: last, &batch)
        case .reserveSequences(let last):
            lastSequence = max(lastSequence, last)
        case .directoryMade(let directory, let owner, let reply):
            endReservation(of: directory, &batch)
            try apply(.set(directory, owner: owner), &batch)
            try remember(reply, at: time, &batch)
        case .directoriesDropped(let directories):
            for directory in directories { endReservation(of: directory, &batch) }
        }
    }

    private func begin(_ id: TransactionID, _ transaction: BegunTransaction) {
        begun[id] = transaction
        if !transaction.directory.isNull { makers[transaction.directory] = id }
    }

    private func endTransaction(_ id: TransactionID, _ batch: inout WriteBatch) {
        if let directory = begun.removeValue(forKey: id)?.directory { makers[directory] = nil }
        batch.delete(keys.key(.begun, id.rawValue))
    }

    /// What became of a reserved id is known, and with it the transaction that used it, if it was begun, has ended.
    private func endReservation(of directory: InodeID, _ batch: inout WriteBatch) {
        reserved.remove(directory)
        batch.delete(keys.key(.reserved, directory.rawValue))
        if let maker = makers[directory] { endTransaction(maker, &batch) }
    }

    private func apply(_ change: ParentChange, _ batch: inout WriteBatch) throws(CoordinatorFailure) {
        switch change {
        case .set(let directory, let owner):
            batch.put(keys.key(.parents, directory.rawValue), try encoded(owner))
        case .remove(let directory):
            batch.delete(keys.key(.parents, directory.rawValue))
        }
    }

    private func reserve(through last: InodeID, _ batch: inout WriteBatch) {
        // A log entry is ours, but its numbers are not trusted with the size of a loop.
        guard last > lastReserved, last.rawValue - lastReserved.rawValue <= UInt64(UInt16.max) else { return }
        for number in (lastReserved.rawValue + 1)...last.rawValue {
            reserved.insert(InodeID(rawValue: number))
            batch.put(keys.key(.reserved, number), [])
        }
        lastReserved = last
    }

    private func remember(
        _ reply: RememberedReply?, at time: ReplyTime, _ batch: inout WriteBatch
    ) throws(CoordinatorFailure) {
        guard let reply else { return }
        let sequence = replies.nextSequence
        replies.insert(reply, at: time, sequence: sequence)
        batch.put(keys.key(.replies, sequence), try encoded(StoredReply(time: time, reply: reply)))
    }
}

extension CoordinatorLedger {
    /// Reads the state back from the store.
    private func load() throws(CoordinatorFailure) {
        do throws(StoreError) {
            if let bytes = try store.get(keys.meta) {
                guard let meta = try? LedgerMeta(decoding: bytes) else { throw StoreError.corruption("meta record") }
                appliedIndex = meta.appliedIndex
                lastTransaction = meta.lastTransaction
                lastReserved = meta.lastReserved
                lastSequence = meta.lastSequence
                replyClock = meta.replyClock
            }
            if let bytes = try store.get(keys.standing) {
                guard let stored = try? Standing(decoding: bytes) else { throw StoreError.corruption("standing") }
                standing = stored
            }
            try forEach(in: .begun) { number, value in
                guard case .begin(_, let origin, let request, let directory)? = try? LogRecord(decoding: value) else {
                    return false
                }
                let transaction = BegunTransaction(origin: origin, request: request, directory: directory)
                begin(TransactionID(rawValue: number), transaction)
                return true
            }
            try forEach(in: .reserved) { number, _ in
                reserved.insert(InodeID(rawValue: number))
                return true
            }
            try forEach(in: .replies) { number, value in
                guard let stored = try? StoredReply(decoding: value) else { return false }
                replies.insert(stored.reply, at: stored.time, sequence: number)
                replyClock.isNotBefore(stored.time)
                return true
            }
        } catch {
            throw .store(error)
        }
    }

    /// Hands the number in the key and the value of every record of a space to `body`, which returns false for one
    /// that it cannot decode.
    func forEach(
        in space: LedgerKeys.Space, _ body: (UInt64, [UInt8]) -> Bool
    ) throws(StoreError) {
        let cursor = store.iterator(from: keys.first(of: space), upTo: keys.end(of: space))
        cursor.seekToFirst()
        while cursor.isValid {
            guard let number = keys.number(of: cursor.key), body(number, cursor.value) else {
                throw .corruption("coordinator record in space \(space)")
            }
            cursor.next()
        }
        try cursor.checkStatus()
    }

    private func encoded(_ value: some WireValue) throws(CoordinatorFailure) -> [UInt8] {
        do throws(EncodeError) { return try value.encoded() } catch { throw .unencodable(error) }
    }
}
