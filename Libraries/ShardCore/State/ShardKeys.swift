import Protocol

/// Where each record of one shard stands in the ordered store (metadata.md A.1).
///
/// A key is `shard, collection, rest`, so that all shards of a process share one store. Numbers are big-endian: the
/// order of the keys is the order that paging shows to clients.
struct ShardKeys: Sendable {
    enum Collection: UInt8 {
        case meta = 1
        case files = 2
        case transientFiles = 3
        case directories = 4
        case edges = 5
        case spans = 6
        case blockServiceFiles = 7
        case executed = 8
        case recent = 9
        case recentOrder = 10
        case bodies = 11
        /// File numbers and the newest version of each.
        case numbers = 12
        /// What inodes have of owner, group and mode, by number, and the number of each.
        case ownerships = 13
        case ownershipNumbers = 14
        /// Extended attributes, by inode.
        case extended = 15
    }

    enum Meta: UInt8 {
        case identity = 1
        case progress = 2
        case blockNumbers = 3
        case standing = 4
    }

    let shard: UInt8

    init(shard: ShardID) {
        self.shard = shard.rawValue
    }

    private func start(_ collection: Collection, capacity: Int) -> [UInt8] {
        var key: [UInt8] = []
        key.reserveCapacity(2 + capacity)
        key.append(shard)
        key.append(collection.rawValue)
        return key
    }

    /// The lowest key of a collection; the lowest of the next one is the upper bound of this one.
    func lowest(_ collection: Collection) -> [UInt8] {
        start(collection, capacity: 0)
    }

    /// The first key after a collection.
    func end(of collection: Collection) -> [UInt8] {
        [shard, collection.rawValue + 1]
    }

    func meta(_ item: Meta) -> [UInt8] {
        [shard, Collection.meta.rawValue, item.rawValue]
    }

    func file(_ id: InodeID) -> [UInt8] { inode(.files, id) }
    func transientFile(_ id: InodeID) -> [UInt8] { inode(.transientFiles, id) }
    func directory(_ id: InodeID) -> [UInt8] { inode(.directories, id) }
    func number(_ number: InodeID) -> [UInt8] { inode(.numbers, number) }
    func body(_ id: InodeID) -> [UInt8] { inode(.bodies, id) }
    func extended(_ id: InodeID) -> [UInt8] { inode(.extended, id) }

    func ownership(_ number: UInt32) -> [UInt8] {
        var key = start(.ownerships, capacity: 8)
        key.appendBigEndian(UInt64(number))
        return key
    }

    /// The number in a key of `ownership`; nil: it is none.
    static func ownershipNumber(in key: [UInt8]) -> UInt32? {
        key.count == 10 ? UInt32(exactly: key.bigEndian(at: 2)) : nil
    }

    func ownershipNumber(_ ownership: InodeOwnership) -> [UInt8] {
        var key = start(.ownershipNumbers, capacity: 16)
        key.appendBigEndian(UInt64(ownership.mode))
        key.appendBigEndian(UInt64(ownership.uid) << 32 | UInt64(ownership.gid))
        return key
    }

    func inode(_ collection: Collection, _ id: InodeID) -> [UInt8] {
        var key = start(collection, capacity: 8)
        key.appendBigEndian(id.rawValue)
        return key
    }

    func span(_ file: InodeID, _ byteOffset: UInt64) -> [UInt8] {
        var key = start(.spans, capacity: 16)
        key.appendBigEndian(file.rawValue)
        key.appendBigEndian(byteOffset)
        return key
    }

    /// One record per (block service, file, span of it): the file-by-block-service index of A.8.
    func blockServiceFile(_ service: BlockServiceID, _ file: InodeID, _ byteOffset: UInt64) -> [UInt8] {
        var key = start(.blockServiceFiles, capacity: 24)
        key.appendBigEndian(service.rawValue)
        key.appendBigEndian(file.rawValue)
        key.appendBigEndian(byteOffset)
        return key
    }

    /// The first key after all records of a block service. Service ids have bit 63 clear, so one more is always a key.
    func blockServiceFilesEnd(_ service: BlockServiceID) -> [UInt8] {
        guard service.rawValue < .max else { return end(of: .blockServiceFiles) }
        var key = start(.blockServiceFiles, capacity: 8)
        key.appendBigEndian(service.rawValue + 1)
        return key
    }

    /// The first possible key of the current or snapshot edges of a directory. All snapshot edges come first.
    func edges(_ directory: InodeID, current: Bool) -> [UInt8] {
        var key = start(.edges, capacity: 8)
        key.appendBigEndian(directory.rawValue << 1 | (current ? 1 : 0))
        return key
    }

    /// The first key after all edges of a directory.
    func edgesEnd(_ directory: InodeID) -> [UInt8] {
        var key = start(.edges, capacity: 8)
        key.appendBigEndian((directory.rawValue << 1 | 1) &+ 1)
        return key
    }

    /// The first possible key of the current or snapshot edges whose hash is at least `hash`.
    func edges(_ directory: InodeID, current: Bool, from hash: NameHash) -> [UInt8] {
        var key = edges(directory, current: current)
        key.appendBigEndian(hash.rawValue)
        return key
    }

    /// The key of a current edge, or what all snapshot edges of a name begin with.
    func edge(_ directory: InodeID, current: Bool, _ hash: NameHash, _ name: [UInt8]) -> [UInt8] {
        var key = start(.edges, capacity: 8 + 8 + 1 + name.count + 8)
        key.appendBigEndian(directory.rawValue << 1 | (current ? 1 : 0))
        key.appendBigEndian(hash.rawValue)
        key.append(UInt8(truncatingIfNeeded: name.count))
        key.append(contentsOf: name)
        return key
    }

    /// What was answered to a number of the coordinator.
    func executed(_ sequence: UInt64) -> [UInt8] {
        var key = start(.executed, capacity: 8)
        key.appendBigEndian(sequence)
        return key
    }

    /// What was answered to a request without a number.
    func recent(_ request: RequestKey) -> [UInt8] {
        var key = start(.recent, capacity: 16)
        key.appendBigEndian(request.requestID)
        key.appendBigEndian(request.digest)
        return key
    }

    /// Which the so-manieth such request was.
    func recentOrder(_ number: UInt64) -> [UInt8] {
        var key = start(.recentOrder, capacity: 8)
        key.appendBigEndian(number)
        return key
    }

    func snapshotEdge(
        _ directory: InodeID, _ hash: NameHash, _ name: [UInt8], _ creationTime: Timestamp
    ) -> [UInt8] {
        var key = edge(directory, current: false, hash, name)
        key.appendBigEndian(creationTime.nanoseconds)
        return key
    }
}

extension [UInt8] {
    mutating func appendBigEndian(_ value: UInt64) {
        Swift.withUnsafeBytes(of: value.bigEndian) { append(contentsOf: $0) }
    }
}
