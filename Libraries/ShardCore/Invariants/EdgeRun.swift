import Protocol

/// What is remembered while the edges of one directory go by: its history comes first, its current edges after.
struct EdgeRun {
    /// The newest edge of a name's history.
    struct History {
        var hash: NameHash
        var name: [UInt8]
        var time: Timestamp
        var isMarker: Bool
    }

    let directory: InodeID
    let record: DirectoryRecord?
    private(set) var currentEdges: UInt64 = 0
    private(set) var snapshotEdges: UInt64 = 0
    /// Of each name with a history, in key order.
    private var histories: [History] = []
    /// Histories before this one belong to names before the current edge.
    private var position = 0

    init(_ directory: InodeID, _ record: DirectoryRecord?) {
        self.directory = directory
        self.record = record
    }

    mutating func count(_ edge: StoredEdge) {
        if edge.key.isCurrent { currentEdges += 1 } else { snapshotEdges += 1 }
    }

    /// Takes a snapshot edge in and returns what the history of its name ended with before.
    mutating func remember(_ edge: StoredEdge) -> History? {
        let history = History(
            hash: edge.key.nameHash, name: edge.key.name, time: edge.creationTime, isMarker: edge.target.id.isNull)
        if let last = histories.last, last.hash == history.hash, last.name == history.name {
            histories[histories.count - 1] = history
            return last
        }
        histories.append(history)
        return nil
    }

    /// The newest history of a current edge's name. Edges come in key order.
    mutating func newestHistory(before key: EdgeKey) -> History? {
        while position < histories.count, Self.precedes(histories[position], key) { position += 1 }
        guard position < histories.count else { return nil }
        let history = histories[position]
        return history.hash == key.nameHash && history.name == key.name ? history : nil
    }

    private static func precedes(_ history: History, _ key: EdgeKey) -> Bool {
        if history.hash != key.nameHash { return history.hash.rawValue < key.nameHash.rawValue }
        if history.name.count != key.name.count { return history.name.count < key.name.count }
        return history.name.lexicographicallyPrecedes(key.name)
    }
}
