import Protocol
import Store

/// All records of a shard, read from the store past the cache, for checking them against each other.
struct StoredShard {
    struct NamedEdge {
        var key: EdgeKey
        var target: InodeIDExtra
        var creationTime: Timestamp
    }

    private(set) var directories: [InodeID: DirectoryRecord] = [:]
    private(set) var files: [InodeID: FileRecord] = [:]
    private(set) var transientFiles: [InodeID: TransientFileRecord] = [:]
    /// In the order of their keys: of each directory first the snapshot edges, then the current ones.
    private(set) var edges: [NamedEdge] = []
    /// Of each file, ascending.
    private(set) var spans: [InodeID: [(byteOffset: UInt64, span: SpanRecord)]] = [:]
    private(set) var blockServiceFiles: Set<[UInt8]> = []
    /// Ascending.
    private(set) var executed: [UInt64] = []
    private(set) var recent: Set<[UInt8]> = []
    /// Ascending.
    private(set) var recentOrder: [(number: UInt64, request: RecentRequest)] = []
    private(set) var progress: ShardProgress?

    init(_ state: ShardState) throws(ShardStateError) {
        let keys = state.keys
        try Self.scan(state, .directories) { key, value throws(DecodeError) in
            directories[Self.inode(key)] = try DirectoryRecord(decoding: value)
        }
        try Self.scan(state, .files) { key, value throws(DecodeError) in
            files[Self.inode(key)] = try FileRecord(decoding: value)
        }
        try Self.scan(state, .transientFiles) { key, value throws(DecodeError) in
            transientFiles[Self.inode(key)] = try TransientFileRecord(decoding: value)
        }
        try Self.scan(state, .edges) { key, value throws(DecodeError) in edges.append(try Self.edge(key, value)) }
        try Self.scan(state, .spans) { key, value throws(DecodeError) in
            guard key.count == 18 else { throw .invalidValue }
            spans[Self.inode(key), default: []].append((key.bigEndian(at: 10), try SpanRecord(decoding: value)))
        }
        try Self.scan(state, .blockServiceFiles) { key, _ throws(DecodeError) in blockServiceFiles.insert(key) }
        try Self.scan(state, .executed) { key, value throws(DecodeError) in
            guard key.count == 10, try RememberedReply(decoding: value).reply != nil else { throw .invalidValue }
            executed.append(key.bigEndian(at: 2))
        }
        try Self.scan(state, .recent) { key, value throws(DecodeError) in
            guard try RememberedReply(decoding: value).reply != nil else { throw .invalidValue }
            recent.insert(key)
        }
        try Self.scan(state, .recentOrder) { key, value throws(DecodeError) in
            guard key.count == 10 else { throw .invalidValue }
            recentOrder.append((key.bigEndian(at: 2), try RecentRequest(decoding: value)))
        }
        progress = try state.readRecord(keys.meta(.progress))
    }

    private static func inode(_ key: [UInt8]) -> InodeID {
        InodeID(rawValue: key.count >= 10 ? key.bigEndian(at: 2) : 0)
    }

    private static func edge(_ key: [UInt8], _ value: [UInt8]) throws(DecodeError) -> NamedEdge {
        guard let parts = EdgeKey(key) else { throw .invalidValue }
        if parts.isCurrent {
            let record = try CurrentEdgeRecord(decoding: value)
            return NamedEdge(key: parts, target: record.target, creationTime: record.creationTime)
        }
        return NamedEdge(
            key: parts, target: try SnapshotEdgeRecord(decoding: value).target, creationTime: parts.snapshotTime)
    }

    private static func scan(
        _ state: ShardState, _ collection: ShardKeys.Collection,
        _ body: (_ key: [UInt8], _ value: [UInt8]) throws(DecodeError) -> Void
    ) throws(ShardStateError) {
        let iterator = state.store.iterator(
            from: state.keys.lowest(collection), upTo: state.keys.end(of: collection))
        iterator.seekToFirst()
        while iterator.isValid {
            let key = iterator.key
            do throws(DecodeError) {
                try body(key, iterator.value)
            } catch {
                throw .corruptRecord(key: key)
            }
            iterator.next()
        }
        do throws(StoreError) {
            try iterator.checkStatus()
        } catch {
            throw .store(error)
        }
    }
}
