import Protocol

/// What one shard knows that has to agree with other records, of the same shard or of others.
package enum ShardFact: Sendable {
    /// A directory; `owner` null: a snapshot directory, unless it is ROOT.
    case directory(InodeID, owner: InodeID, info: [UInt8])
    case file(InodeID, FileKind)
    case edge(OwningEdge)
    case block(BlockUse)
}

/// What a file is.
package enum FileKind: UInt8, Sendable {
    case transient = 0
    case linked = 1
    /// A linked file that others refer to, and that no edge owns.
    case body = 2
}

/// A block and the span it is part of.
package struct BlockUse: Hashable, Sendable {
    package var block: BlockID
    package var service: BlockServiceID
    package var file: InodeID
    package var byteOffset: UInt64
    /// Bytes of the block, a multiple of 4096.
    package var size: UInt32
    package var crc: CRC32C
    /// Whether the block must be on its disk: not while its span is being written or removed.
    package var isStored: Bool

    package init(
        block: BlockID, service: BlockServiceID, file: InodeID, byteOffset: UInt64, size: UInt32, crc: CRC32C,
        isStored: Bool
    ) {
        self.block = block
        self.service = service
        self.file = file
        self.byteOffset = byteOffset
        self.size = size
        self.crc = crc
        self.isStored = isStored
    }
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
