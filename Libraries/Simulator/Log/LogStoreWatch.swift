import Consensus
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
    /// What may be written behind next, besides the last entry: a base.
    private var bases: [LogGroupID: LogIndex] = [:]
    private var isCutOff = false

    init(_ store: any LogStore, of owner: MachineID, largestWriteBytes: Int, _ world: World) {
        self.store = store
        self.owner = owner
        self.world = world
        self.largestWriteBytes = min(largestWriteBytes, store.largestWriteBytes)
    }

    /// A group goes on behind what was there; `index` is where its state is.
    func open(_ group: LogGroupID, at index: LogIndex) {
        let last = max(index, store.contents[group]?.entries?.upperBound ?? .zero)
        written[group] = last
        durable[group] = last
    }

    func isDurable(_ index: LogIndex, of group: LogGroupID) -> Bool { durable[group].map { index <= $0 } ?? false }

    /// The process is gone: it neither writes nor syncs any more.
    func cutOff() { isCutOff = true }

    // MARK: LogStore

    var incarnation: Incarnation { store.incarnation }
    var contents: [LogGroupID: LogContents] { store.contents }

    func replay(_ body: (LogGroupID, StoredEntry) throws -> Void) throws {
        try store.replay(body)
    }

    func read(from starts: [LogGroupID: LogIndex], _ body: (LogGroupID, LogEntry) throws -> Bool) throws {
        try store.read(from: starts, body)
    }

    func write(_ batches: [LogBatch]) throws(LogError) {
        guard !isCutOff else { throw .closed }
        try store.write(batches)
        for batch in batches { look(at: batch) }
    }

    /// Of each group the entries follow on each other: nothing is missing, nothing is there twice, and what takes
    /// another's place was cut off before.
    private func look(at batch: LogBatch) {
        batch.forEach { group, entry in
            if entry.index != written[group]?.next, entry.index != bases.removeValue(forKey: group)?.next {
                world.find("\(owner) writes entry \(entry.index) of \(group), which does not follow")
            }
            written[group] = entry.index
        } cut: { group, index in
            written[group] = min(written[group] ?? .zero, index.previous)
            durable[group] = min(durable[group] ?? .zero, index.previous)
        } base: { group, base in
            // What is behind it stays if it follows; otherwise it is cut off as well.
            bases[group] = base.index
            written[group] = max(written[group] ?? .zero, base.index)
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
