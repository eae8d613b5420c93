import MaintenanceState
import Protocol
import Synchronization

/// How far the pass over one disk is, and what it counted: remembered about once a second.
///
/// Files are begun in order and end in any: where a later pass would go on is the first that has not ended, or has a
/// block that nobody has answered for yet.
final class PassProgress: Sendable {
    private struct State {
        var record: DiskRecord
        /// Files begun and not ended, in order.
        var open: [InodeID] = []
        /// Where to go on when none is open.
        var next: InodeID
        var savedNanoseconds: UInt64 = 0
        var deviceErrorsInARow = 0
        var interruption: ScrubInterruption?
    }

    private static let saveNanoseconds: UInt64 = 1_000_000_000

    /// Blocks without an answer; it knows nothing of the progress.
    let unanswered: UnansweredBlocks
    private let disk: BlockServiceID
    private let memory: MaintenanceState
    private let state: Mutex<State>

    init(of disk: BlockServiceID, _ record: DiskRecord, _ unanswered: UnansweredBlocks, in memory: MaintenanceState) {
        self.disk = disk
        self.unanswered = unanswered
        self.memory = memory
        state = Mutex(State(record: record, next: record.file))
    }

    var record: DiskRecord { state.withLock(\.record) }

    /// Why the pass has to end early; nil: it need not.
    var interruption: ScrubInterruption? { state.withLock(\.interruption) }

    func interrupt(_ reason: ScrubInterruption) {
        state.withLock { if $0.interruption == nil { $0.interruption = reason } }
    }

    // MARK: Files

    func begin(_ file: InodeID) {
        state.withLock { $0.open.append(file) }
    }

    /// The file needs no further look in this pass. After an interruption nobody knows, so its place is kept.
    func end(_ file: InodeID, now: UInt64) throws(MaintenanceStateError) {
        let changed = state.withLock { state -> DiskRecord? in
            guard state.interruption == nil else { return nil }
            state.open.removeAll { $0 == file }
            state.next = max(state.next, file.successor)
            state.record.file = state.open.first ?? state.next
            guard now &- state.savedNanoseconds > Self.saveNanoseconds else { return nil }
            state.savedNanoseconds = now
            return saved(state)
        }
        if let changed { try memory.set(changed, ofDisk: disk) }
    }

    /// The pass breaks off, and has to go on with this file at the latest.
    func rewind(to file: InodeID) {
        state.withLock { $0.record = $0.record.goingOn(with: file) }
    }

    /// All files of a shard had their turn.
    func endShard() throws(MaintenanceStateError) {
        let record = state.withLock { state in
            state.record.shard = ShardID(rawValue: state.record.shard.rawValue &+ 1)
            state.record.file = .null
            state.next = .null
            return saved(state)
        }
        try memory.set(record, ofDisk: disk)
    }

    func save() throws(MaintenanceStateError) {
        try memory.set(state.withLock { saved($0) }, ofDisk: disk)
    }

    /// What a pass that ends now has to look at again, it is not to find behind its place.
    private func saved(_ state: State) -> DiskRecord { state.record.goingOn(with: unanswered.firstNotRemembered) }

    /// Changes the record; it is written with the next step.
    func update(_ change: (inout DiskRecord) -> Void) {
        state.withLock { change(&$0.record) }
    }

    // MARK: Blocks

    func checked(bytes: UInt64) {
        state.withLock { state in
            state.record.checkedBlocks &+= 1
            state.record.checkedBytes &+= bytes
            state.deviceErrorsInARow = 0
        }
    }

    /// Counts a device error; so many in a row end the pass.
    func deviceError(limit: Int) {
        state.withLock { state in
            state.record.deviceErrors &+= 1
            state.deviceErrorsInARow += 1
            if state.deviceErrorsInARow >= limit, state.interruption == nil { state.interruption = .deviceErrors }
        }
    }
}

extension DiskRecord {
    /// With this file as the place to go on, if it comes before the one that is.
    fileprivate func goingOn(with first: InodeID?) -> DiskRecord {
        guard let first, (first.shard.rawValue, first) < (shard.rawValue, file) else { return self }
        var record = self
        record.shard = first.shard
        record.file = first
        return record
    }
}

extension InodeID {
    /// The next inode of the same shard; itself when there is none.
    var successor: InodeID {
        let (next, overflow) = rawValue.addingReportingOverflow(1 << 8)
        let successor = InodeID(rawValue: next)
        return overflow || !successor.isValidOnWire ? self : successor
    }
}
