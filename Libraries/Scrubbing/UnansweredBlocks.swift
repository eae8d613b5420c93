import MaintenanceState
import Protocol
import Synchronization

/// Tells one block that nobody answers for from a disk that nobody answers for: so many blocks in a row without an
/// answer are the disk, fewer between two answers are the blocks. Thread-safe; the caller does the remembering.
final class UnansweredBlocks: Sendable {
    /// Instead of a block: the shard did not say which ones the file has.
    static let wholeFile = BlockID(rawValue: 0)

    private struct Item: Hashable {
        let file: InodeID
        let block: BlockID

        init(_ finding: DamageFinding) {
            file = finding.file
            block = finding.block
        }

        init(_ file: InodeID, _ block: BlockID) {
            self.file = file
            self.block = block
        }
    }

    private struct State {
        /// Without an answer since the last one that came.
        var row: [DamageFinding] = []
        /// Taken out of the row, and perhaps not written yet.
        var beingWritten: [DamageFinding] = []
        /// Findings that are not closed yet, and whether their blocks were met.
        var open: [Item: (finding: DamageFinding, isMet: Bool)] = [:]
    }

    private let limit: Int
    private let state: Mutex<State>

    /// - Parameters:
    ///   - known: findings of earlier passes over the disk; those that are not open blocks without an answer are left
    ///     out.
    ///   - limit: so many in a row are the disk, at least 1.
    init(known: [DamageFinding], limit: Int) {
        self.limit = max(limit, 1)
        var open: [Item: (finding: DamageFinding, isMet: Bool)] = [:]
        for finding in known where finding.damage == .unanswered && finding.isOpen {
            open[Item(finding)] = (finding, false)
        }
        state = Mutex(State(open: open))
    }

    /// Whether blocks before this one had no answer either, so that it is not worth many tries.
    var isRowBegun: Bool { state.withLock { !$0.row.isEmpty } }

    /// Nobody answers for a block, in spite of repetitions. True: nobody seems to answer for the disk.
    func add(_ finding: DamageFinding) -> Bool {
        state.withLock { state in
            let item = Item(finding)
            // Of a file that is not listed all blocks may be there still.
            if finding.block == Self.wholeFile { Self.meet(finding.file, in: &state) }
            if state.open[item] != nil {
                state.open[item]?.isMet = true
                return false
            }
            if !state.row.contains(where: { Item($0) == item }) { state.row.append(finding) }
            return state.row.count >= limit
        }
    }

    /// The block is listed still, and neither answered for nor not.
    func meet(_ file: InodeID, _ block: BlockID) {
        state.withLock { $0.open[Item(file, block)]?.isMet = true }
    }

    private static func meet(_ file: InodeID, in state: inout State) {
        for item in state.open.keys where item.file == file { state.open[item]?.isMet = true }
    }

    /// The disk answered for a block of the file.
    /// - Returns: what is to be remembered: blocks that had no answer though the disk gives some, new ones, until
    ///   `remembered` is called with each; and a finding about this block that is closed now.
    func answered(_ file: InodeID, _ block: BlockID) -> (new: [DamageFinding], closed: DamageFinding?) {
        state.withLock { state in
            let new = Self.takeRow(&state)
            guard var closed = state.open.removeValue(forKey: Item(file, block))?.finding else { return (new, nil) }
            closed.outcome = .answered
            return (new, closed)
        }
    }

    /// The shard said which blocks the file has.
    /// - Returns: a finding that it did not, which is closed now.
    func listed(_ file: InodeID) -> DamageFinding? {
        state.withLock { state in
            guard var closed = state.open.removeValue(forKey: Item(file, Self.wholeFile))?.finding else { return nil }
            closed.outcome = .answered
            return closed
        }
    }

    /// What has had no answer since the last one, to be remembered until `remembered` is called with each; they count
    /// as known from now on.
    func takeRow() -> [DamageFinding] {
        state.withLock { Self.takeRow(&$0) }
    }

    private static func takeRow(_ state: inout State) -> [DamageFinding] {
        defer { state.row = [] }
        state.beingWritten += state.row
        for finding in state.row { state.open[Item(finding)] = (finding, true) }
        return state.row
    }

    /// The finding is written: it is known to later passes.
    func remembered(_ finding: DamageFinding) {
        state.withLock { state in state.beingWritten.removeAll { Item($0) == Item(finding) } }
    }

    /// The first file, in the order of a pass, that has to be looked at again when the pass breaks off now.
    var firstNotRemembered: InodeID? {
        state.withLock { state in
            (state.row + state.beingWritten).map(\.file).min { ($0.shard.rawValue, $0) < ($1.shard.rawValue, $1) }
        }
    }

    /// Findings of earlier passes whose blocks were not met, though everything from a shard and file on was looked at:
    /// they are on the disk no more.
    func vanished(before begin: Timestamp, from shard: ShardID, _ file: InodeID) -> [DamageFinding] {
        state.withLock { state in
            let old = state.open.values.filter { !$0.isMet && $0.finding.time < begin }.map(\.finding)
                .filter { ($0.file.shard.rawValue, $0.file) >= (shard.rawValue, file) }
            for finding in old { state.open[Item(finding)] = nil }
            return old.map { finding in
                var gone = finding
                gone.outcome = .gone
                return gone
            }
        }
    }
}
