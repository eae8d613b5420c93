import Protocol
import ShardCore
import Store
import TestSupport

/// Keys of a shard's records, spelled out (see ShardKeys.swift).
struct Records {
    var shard: UInt8

    init(_ id: InodeID) { shard = id.shard.rawValue }
    init(shard: UInt8) { self.shard = shard }

    func file(_ id: InodeID) -> [UInt8] { [shard, 2] + number(id.rawValue) }
    func transientFile(_ id: InodeID) -> [UInt8] { [shard, 3] + number(id.rawValue) }
    func directory(_ id: InodeID) -> [UInt8] { [shard, 4] + number(id.rawValue) }

    func newestVersion(_ number: InodeID) -> [UInt8] { [shard, 12] + self.number(number.rawValue) }

    func ownership(_ number: UInt32) -> [UInt8] { [shard, 13] + self.number(UInt64(number)) }

    func ownershipNumber(_ ownership: InodeOwnership) -> [UInt8] {
        [shard, 14] + number(UInt64(ownership.mode)) + number(UInt64(ownership.uid) << 32 | UInt64(ownership.gid))
    }

    func extended(_ id: InodeID) -> [UInt8] { [shard, 15] + number(id.rawValue) }

    func body(_ id: InodeID) -> [UInt8] { [shard, 11] + number(id.rawValue) }

    func currentEdge(_ directory: InodeID, _ name: String, hash: UInt64? = nil) -> [UInt8] {
        edge(directory.rawValue << 1 | 1, name, hash)
    }

    func snapshotEdge(_ directory: InodeID, _ name: String, _ time: Timestamp) -> [UInt8] {
        edge(directory.rawValue << 1, name, nil) + number(time.nanoseconds)
    }

    private func edge(_ head: UInt64, _ name: String, _ hash: UInt64?) -> [UInt8] {
        let bytes = Array(name.utf8)
        return [shard, 5] + number(head) + number(hash ?? NameHash(of: bytes).rawValue) + [UInt8(bytes.count)] + bytes
    }

    func span(_ file: InodeID, _ byteOffset: UInt64 = 0) -> [UInt8] {
        [shard, 6] + number(file.rawValue) + number(byteOffset)
    }

    func index(_ service: BlockServiceID, _ file: InodeID, _ byteOffset: UInt64 = 0) -> [UInt8] {
        [shard, 7] + number(service.rawValue) + number(file.rawValue) + number(byteOffset)
    }

    private func number(_ value: UInt64) -> [UInt8] { withUnsafeBytes(of: value.bigEndian) { [UInt8]($0) } }
}

/// A store being damaged.
struct Damage {
    let store: any OrderedStore

    func get<Record: WireValue>(_ key: [UInt8], as type: Record.Type = Record.self) throws -> Record {
        guard let bytes = try store.get(key) else { throw TestFailure("no record at \(key)") }
        return try Record(decoding: bytes)
    }

    func put(_ key: [UInt8], _ bytes: [UInt8]) throws {
        var batch = WriteBatch()
        batch.put(key, bytes)
        try store.write(batch, durable: false)
    }

    func put(_ key: [UInt8], _ record: some WireValue) throws { try put(key, try record.encoded()) }

    func delete(_ key: [UInt8]) throws {
        var batch = WriteBatch()
        batch.delete(key)
        try store.write(batch, durable: false)
    }

    func change<Record: WireValue>(
        _ key: [UInt8], as type: Record.Type = Record.self, _ body: (inout Record) throws -> Void
    ) throws {
        var record: Record = try get(key)
        try body(&record)
        try put(key, record)
    }

    /// Keeps a directory's own count of its edges right.
    func count(_ directory: InodeID, current: Int = 0, snapshot: Int = 0) throws {
        try change(Records(directory).directory(directory), as: DirectoryRecord.self) {
            $0.currentEdges = UInt64(Int($0.currentEdges) + current)
            $0.snapshotEdges = UInt64(Int($0.snapshotEdges) + snapshot)
        }
    }

    func addEdge(_ name: String, to target: InodeID, in directory: InodeID, locked: Bool = false) throws {
        let owner: DirectoryRecord = try get(Records(directory).directory(directory))
        try put(
            Records(directory).currentEdge(directory, name),
            CurrentEdgeRecord(target: target, isLocked: locked, creationTime: owner.mtime))
        try count(directory, current: 1)
    }

    func removeEdge(_ name: String, in directory: InodeID) throws {
        try delete(Records(directory).currentEdge(directory, name))
        try count(directory, current: -1)
    }
}
