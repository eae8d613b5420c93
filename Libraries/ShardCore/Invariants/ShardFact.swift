import Protocol

/// What one shard knows that has to agree with other records, of the same shard or of others.
package enum ShardFact: Sendable {
    /// A directory; `owner` null: a snapshot directory, unless it is ROOT.
    case directory(InodeID, owner: InodeID, info: [UInt8])
    case file(InodeID, isLinked: Bool)
    case edge(OwningEdge)
    case block(BlockID, file: InodeID, byteOffset: UInt64)
}

/// An edge that keeps its target alive: a current one, or a snapshot edge that owns its file.
package struct OwningEdge: Hashable, Sendable {
    package enum Kind: UInt8, Sendable {
        case current = 0
        case locked = 1
        case ownedSnapshot = 2
    }

    package var target: InodeID
    package var directory: InodeID
    package var name: [UInt8]
    package var creationTime: Timestamp
    package var kind: Kind

    package init(target: InodeID, directory: InodeID, name: [UInt8], creationTime: Timestamp, kind: Kind) {
        self.target = target
        self.directory = directory
        self.name = name
        self.creationTime = creationTime
        self.kind = kind
    }
}
