import Protocol

/// The moves of directories that are under way, and those that wait because one of these decides whether they make a
/// loop.
///
/// Until a move has ended its directory may be in either place. As long as no loop is possible whichever of them
/// succeed, moves need not know of each other; the one that could close a loop waits (Coordinator+LoopCheck.swift).
struct DirectoryMoves {
    /// Who waited this often gets its turn before any other move begins.
    private static let patience = 16

    private var underWay: [TransactionID: DirectoryMove] = [:]
    private var newOwners: [InodeID: [InodeID]] = [:]
    private var waiting: [TransactionID] = []
    private var timesWaited: [TransactionID: Int] = [:]
    private var privileged: TransactionID?

    /// Where `directory` may be going.
    func newOwners(of directory: InodeID) -> [InodeID] { newOwners[directory] ?? [] }

    mutating func begin(_ move: DirectoryMove, by transaction: TransactionID) {
        underWay[transaction] = move
        newOwners[move.target, default: []].append(move.newOwner)
        forget(transaction)
    }

    /// Whether no other move has waited too long already.
    func isTurn(of transaction: TransactionID) -> Bool { privileged == nil || privileged == transaction }

    /// Remembers who wants to be asked again when a move has ended.
    mutating func wait(_ transaction: TransactionID) {
        waiting.append(transaction)
        let times = (timesWaited[transaction] ?? 0) + 1
        timesWaited[transaction] = times
        if times > Self.patience && privileged == nil { privileged = transaction }
    }

    /// A move has ended, whether or not it had begun; returns who may try again, in order.
    mutating func end(_ move: DirectoryMove, by transaction: TransactionID) -> [TransactionID] {
        forget(transaction)
        if underWay.removeValue(forKey: transaction) != nil, var owners = newOwners.removeValue(forKey: move.target) {
            if let index = owners.firstIndex(of: move.newOwner) { owners.remove(at: index) }
            if !owners.isEmpty { newOwners[move.target] = owners }
        }
        defer { waiting = [] }
        return waiting
    }

    private mutating func forget(_ transaction: TransactionID) {
        timesWaited[transaction] = nil
        if privileged == transaction { privileged = nil }
    }
}
