import Erasure
import Protocol
import ShardCore
import Store
import TestShards
import Testing

/// Three shards in memory, driven as clients, coordinator and collector do.
final class CheckedShards {
    private let memory: MemoryShards
    var store: MemoryStore { memory.store }
    /// Every entry applied, in order.
    var log: [(shard: ShardID, index: LogIndex, bytes: [UInt8])] { memory.log }
    /// What the coordinator would have in its map.
    private(set) var parents: [InodeID: InodeID] = [:]
    private var lastDirectory: UInt64 = 0

    static let shards = [ShardID(rawValue: 0), ShardID(rawValue: 1), ShardID(rawValue: 2)]

    init() throws {
        var options = MemoryShards.Options(rootInfo: try DirectoryInfo.sternaRootDefault())
        options.blockServices = CheckedDisks.table
        options.stepNanoseconds = 1_000_000_000
        options.keepsLog = true
        memory = MemoryShards(options)
        for shard in Self.shards { _ = try memory.core(shard) }
    }

    @discardableResult
    func call<R: ShardRPC>(_ request: R, _ shard: ShardID) throws -> R.Response {
        try memory.perform(request, at: shard, isPrivileged: true).get()
    }

    // MARK: The namespace

    /// A directory in `shard`, made as the coordinator does.
    @discardableResult
    func makeDirectory(_ name: String, in owner: InodeID = .root, shard: UInt8) throws -> InodeID {
        lastDirectory += 1
        let id = InodeID(type: .directory, shard: ShardID(rawValue: shard), index: lastDirectory)
        try call(CreateDirectoryInodeRequest(id: id, ownerId: owner, info: DirectoryInfo(entries: [])), id.shard)
        let time = try call(
            CreateLockedCurrentEdgeRequest(
                dirId: owner, name: Array(name.utf8), targetId: id, oldCreationTime: .zero), owner.shard
        ).creationTime
        try unlock(name, in: owner, time, id, wasMoved: false)
        parents[id] = owner
        return id
    }

    private func unlock(
        _ name: String, in directory: InodeID, _ time: Timestamp, _ target: InodeID, wasMoved: Bool
    ) throws {
        try call(
            UnlockCurrentEdgeRequest(
                dirId: directory, name: Array(name.utf8), creationTime: time, targetId: target, wasMoved: wasMoved),
            directory.shard)
    }

    func removeDirectory(_ name: String, _ id: InodeID, in owner: InodeID = .root) throws {
        let time = try lock(name, id, in: owner)
        let info = try DirectoryInfo.sternaRootDefault()
        try call(RemoveDirectoryOwnerRequest(dirId: id, info: info), id.shard)
        try unlock(name, in: owner, time, id, wasMoved: true)
        parents[id] = nil
    }

    @discardableResult
    func lock(_ name: String, _ target: InodeID, in owner: InodeID) throws -> Timestamp {
        let time = try call(LookupRequest(dirId: owner, name: Array(name.utf8)), owner.shard).creationTime
        try call(
            LockCurrentEdgeRequest(dirId: owner, targetId: target, creationTime: time, name: Array(name.utf8)),
            owner.shard)
        return time
    }

    /// Moves a file to another directory, as the coordinator does.
    func rename(_ name: String, _ file: InodeID, from: InodeID, to: InodeID) throws {
        let time = try lock(name, file, in: from)
        let created = try call(
            CreateLockedCurrentEdgeRequest(
                dirId: to, name: Array(name.utf8), targetId: file, oldCreationTime: .zero), to.shard
        ).creationTime
        try unlock(name, in: to, created, file, wasMoved: false)
        try unlock(name, in: from, time, file, wasMoved: true)
    }

    // MARK: Files

    typealias OpenFile = ConstructFileResponse

    func construct(_ shard: UInt8) throws -> OpenFile {
        try call(ConstructFileRequest(type: .file, note: []), ShardID(rawValue: shard))
    }

    /// A file in the directory's shard, with one block span per size.
    @discardableResult
    func makeFile(_ name: String, in directory: InodeID = .root, spans: Int = 0) throws -> InodeID {
        let file = try construct(directory.shard.rawValue)
        for index in 0..<spans { try addSpan(file, at: UInt64(index) * 8192) }
        try call(
            LinkFileRequest(fileId: file.id, cookie: file.cookie, ownerId: directory, name: Array(name.utf8)),
            directory.shard)
        return file.id
    }

    /// A file that refers to another one of two spans, the second cut in its middle; and the body that both refer to.
    func makeCutCopy(_ name: String, of source: InodeID) throws -> (id: InodeID, body: InodeID) {
        let copy = try construct(source.shard.rawValue)
        let last = spanData(at: 8192)
        try call(
            ReferSpansRequest(
                fileId: copy.id, cookie: copy.cookie, byteOffset: 0, sourceId: source, sourceOffset: 0, length: 12288,
                keptCrc: last[0], restCrc: last[1]), source.shard)
        try call(
            LinkFileRequest(fileId: copy.id, cookie: copy.cookie, ownerId: .root, name: Array(name.utf8)),
            source.shard)
        let parts = try call(FileReferencesRequest(fileId: copy.id, byteOffset: 0, mtu: 0), source.shard).references
        return (copy.id, try #require(parts.first).bodyId)
    }

    /// The next version of a file in the root, of one span, which leaves no snapshot of the one before.
    func edit(_ name: String, _ version: InodeID) throws -> InodeID {
        let next = try construct(version.shard.rawValue)
        try addSpan(next, at: 0)
        try call(
            PublishFileRequest(
                fileId: next.id, cookie: next.cookie, storageClass: .empty, byteOffset: 0, size: 0, crc: .zero,
                body: [], ownerId: .root, name: Array(name.utf8), isConditional: true, expectedId: version,
                number: version, supersedes: true), version.shard)
        return next.id
    }

    func unlink(_ name: String, _ file: InodeID, in directory: InodeID = .root) throws {
        let time = try call(LookupRequest(dirId: directory, name: Array(name.utf8)), directory.shard).creationTime
        try call(
            SoftUnlinkFileRequest(ownerId: directory, fileId: file, name: Array(name.utf8), creationTime: time),
            directory.shard)
    }

    func addInline(_ file: OpenFile, at byteOffset: UInt64) throws {
        let body = Array("hello".utf8)
        try call(
            AddInlineSpanRequest(
                fileId: file.id, cookie: file.cookie, storageClass: .inline, byteOffset: byteOffset, size: 5,
                crc: CRC32C(of: body), body: body), file.id.shard)
    }

    func addSpan(_ file: OpenFile, at byteOffset: UInt64, certifies: Bool = true) throws {
        let blocks = try call(newSpan(file, at: byteOffset), file.id.shard).blocks
        guard certifies else { return }
        let proofs = try blocks.map { try #require(TestDisks.proof($0.blockServiceId, $0.blockId)) }
        try call(
            AddSpanCertifyRequest(fileId: file.id, cookie: file.cookie, byteOffset: byteOffset, proofs: proofs),
            file.id.shard)
    }

    private func spanData(at byteOffset: UInt64) -> [CRC32C] {
        (0..<2).map { CRC32C(rawValue: 0x9e37_79b9 &+ UInt32(truncatingIfNeeded: byteOffset) &+ $0) }
    }

    /// Two data blocks and their sum, 4096 bytes each.
    private func newSpan(_ file: OpenFile, at byteOffset: UInt64) -> AddSpanInitiateRequest {
        let data = spanData(at: byteOffset)
        let sum = data[0].xor(data[1], length: 4096)
        return AddSpanInitiateRequest(
            fileId: file.id, cookie: file.cookie, byteOffset: byteOffset, size: 8192,
            crc: CRC32C.zero.appending(data[0], length: 4096).appending(data[1], length: 4096),
            storageClass: .flash, blacklist: [], parity: Parity(data: 2, parity: 1), stripes: 1, cellSize: 4096,
            crcs: data + [sum])
    }
}

/// Sixteen disks in as many failure domains.
enum CheckedDisks {
    static let count = 16
    static let addrs = AddrsInfo.loopback(port: 1000)

    static func domain(_ index: Int) -> FailureDomain { FailureDomain(name: "domain-\(index)") }

    static let table = BlockServiceTable(
        placingOn: (0..<count).map {
            BlockServiceTable.Service(
                id: TestDisks.id($0), addrs: addrs, storageClass: .flash, failureDomain: domain($0),
                secretKey: TestDisks.key($0), flags: [])
        })
}
