import Protocol
import ReplicatedLog

/// Stands between a process and its log: sees that what is written follows upon what was written before, and what of it
/// is durable.
final class LogStoreWatch: LogStore {
    /// Payload bytes that one write may have.
    let largestWriteBytes: Int
    private let store: any LogStore
    private let world: World
    private let owner: MachineID
    private var written: [LogGroupID: LogIndex] = [:]
    private var durable: [LogGroupID: LogIndex] = [:]
    private var isCutOff = false

    init(_ store: any LogStore, of owner: MachineID, largestWriteBytes: Int, _ world: World) {
        self.store = store
        self.owner = owner
        self.world = world
        self.largestWriteBytes = min(largestWriteBytes, store.largestWriteBytes)
    }

    /// A group goes on behind what was replayed.
    func open(_ group: LogGroupID, at index: LogIndex) {
        written[group] = index
        durable[group] = index
    }

    func isDurable(_ index: LogIndex, of group: LogGroupID) -> Bool { durable[group].map { index <= $0 } ?? false }

    /// The process is gone: it neither writes nor syncs any more.
    func cutOff() { isCutOff = true }

    // MARK: LogStore

    func replay(_ body: (LogGroupID, LogIndex, UnsafeRawBufferPointer) throws -> Void) throws {
        try store.replay(body)
    }

    func write(_ batches: [LogBatch]) throws(LogError) {
        guard !isCutOff else { throw .closed }
        try store.write(batches)
        for batch in batches { look(at: batch) }
    }

    /// As many entries as the groups have advanced by: nothing is missing, nothing is there twice, nothing goes back.
    private func look(at batch: LogBatch) {
        var entries: UInt64 = 0
        for (group, tail) in batch.tails {
            entries &+= tail.rawValue &- (written[group] ?? .zero).rawValue
            written[group] = tail
        }
        if entries != UInt64(batch.entryCount) {
            world.find("\(owner) writes \(batch.entryCount) log entries that do not follow upon those before")
        }
    }

    func sync() throws(LogError) {
        guard !isCutOff else { throw .closed }
        try store.sync()
        durable = written
    }

    func trim(through indices: [LogGroupID: LogIndex]) throws(LogError) {
        guard !isCutOff else { throw .closed }
        try store.trim(through: indices)
    }

    var retainedBytes: Int { store.retainedBytes }

    func close() { store.close() }
}
