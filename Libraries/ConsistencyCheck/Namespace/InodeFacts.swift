import Protocol
import ShardCore

/// Everything known about one inode: what it is, who its owner is said to be, and which edges keep it alive.
struct InodeFacts {
    let id: InodeID
    var inode: InodeFact?
    /// Its owner by the coordinator.
    var parent: InodeID?
    /// The first few edges; there is one, unless something is wrong.
    private(set) var edges: [OwningEdge] = []
    private(set) var lockedCount = 0
    private(set) var unlockedCount = 0
    private(set) var currentCount = 0
    /// Whether all edges are in one shard.
    private(set) var isOneShard = true

    private static let kept = 8

    init(id: InodeID) {
        self.id = id
    }

    mutating func insert(_ edge: OwningEdge) {
        // A snapshot edge cannot own a directory; S10 has said so.
        if id.isDirectory && edge.kind == .ownedSnapshot { return }
        if let first = edges.first, first.directory.shard != edge.directory.shard { isOneShard = false }
        if edge.kind == .locked { lockedCount += 1 } else { unlockedCount += 1 }
        if edge.kind != .ownedSnapshot { currentCount += 1 }
        if edges.count < Self.kept { edges.append(edge) }
    }

    /// How many own it. A locked edge counts only when there is no other: a transaction that moves something has two
    /// for a while.
    var ownerCount: Int { unlockedCount > 0 ? unlockedCount : min(lockedCount, 1) }

    var place: String { "\(id.isDirectory ? "directory" : "file") \(id)" }

    /// The edges, for people.
    var edgeList: String {
        let listed = edges.map { edge in
            let kind = edge.kind == .ownedSnapshot ? "snapshot" : edge.kind == .locked ? "locked name" : "name"
            return "\(kind) \(printable(edge.name)) in \(edge.directory)"
        }
        let rest = lockedCount + unlockedCount - edges.count
        return listed.joined(separator: ", ") + (rest > 0 ? " and \(rest) more" : "")
    }
}

extension OwningEdge {
    /// From a key of the fact table that belongs to `target`.
    init?(target: InodeID, factKey key: UnsafeRawBufferPointer) {
        guard key.count >= 27, let kind = Kind(rawValue: key[18]) else { return nil }
        self.init(
            target: target, directory: InodeID(rawValue: key.number(at: 10)),
            name: [UInt8](UnsafeRawBufferPointer(rebasing: key[27...])),
            creationTime: Timestamp(nanoseconds: key.number(at: 19)), kind: kind)
    }
}
