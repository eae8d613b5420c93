import Erasure
import Protocol
import ShardCore
import Testing

// What clients, the coordinator and the collector do in several requests.

extension ShardFixture {
    struct OpenFile {
        var id: InodeID
        var cookie: Cookie
    }

    func construct(_ type: InodeType = .file, note: String = "note") throws -> OpenFile {
        let response = try call(ConstructFileRequest(type: type, note: note.bytes))
        return OpenFile(id: response.id, cookie: response.cookie)
    }

    /// A file without contents under a name.
    @discardableResult
    func makeFile(_ name: String, in directory: InodeID = .root) throws -> (id: InodeID, time: Timestamp) {
        let file = try construct(note: name)
        let linked = try link(file, name, in: directory)
        return (file.id, linked)
    }

    @discardableResult
    func link(_ file: OpenFile, _ name: String, in directory: InodeID = .root) throws -> Timestamp {
        try call(LinkFileRequest(fileId: file.id, cookie: file.cookie, ownerId: directory, name: name.bytes))
            .creationTime
    }

    @discardableResult
    func unlink(_ name: String, _ file: (id: InodeID, time: Timestamp), in directory: InodeID = .root) throws
        -> Timestamp
    {
        try call(
            SoftUnlinkFileRequest(ownerId: directory, fileId: file.id, name: name.bytes, creationTime: file.time)
        ).deleteCreationTime
    }

    /// A directory of this shard under a name, made as the coordinator does.
    @discardableResult
    func makeDirectory(
        _ name: String, index: UInt64, in owner: InodeID = .root
    ) throws -> (id: InodeID, time: Timestamp) {
        let id = InodeID(type: .directory, shard: shard, index: index)
        _ = try call(CreateDirectoryInodeRequest(id: id, ownerId: owner, info: DirectoryInfo(entries: [])))
        let time = try call(
            CreateLockedCurrentEdgeRequest(dirId: owner, name: name.bytes, targetId: id, oldCreationTime: .zero)
        ).creationTime
        try call(
            UnlockCurrentEdgeRequest(dirId: owner, name: name.bytes, creationTime: time, targetId: id, wasMoved: false))
        return (id, time)
    }

    func lookup(_ name: String, in directory: InodeID = .root) throws -> LookupResponse {
        try call(LookupRequest(dirId: directory, name: name.bytes))
    }

    /// All edges of a directory, ascending.
    func edges(of directory: InodeID = .root) throws -> [Edge] {
        var request = FullReadDirRequest(
            dirId: directory, flags: [], startName: [], startTime: .zero, limit: 0, mtu: 0)
        var edges: [Edge] = []
        while true {
            let page = try call(request)
            edges += page.results
            guard !page.next.startName.isEmpty else { return edges }
            request.flags = page.next.current ? .current : []
            request.startName = page.next.startName
            request.startTime = page.next.startTime
        }
    }

    func history(_ name: String, in directory: InodeID = .root) throws -> [Edge] {
        try call(
            FullReadDirRequest(
                dirId: directory, flags: [.backwards, .sameName, .current], startName: name.bytes, startTime: .zero,
                limit: 0, mtu: 0)
        ).results
    }

    // MARK: Spans

    func addInline(_ file: OpenFile, at byteOffset: UInt64, _ body: [UInt8], size: UInt32? = nil) throws {
        try call(inlineSpan(file, at: byteOffset, body, size: size))
    }

    func inlineSpan(
        _ file: OpenFile, at byteOffset: UInt64, _ body: [UInt8], size: UInt32? = nil
    ) -> AddInlineSpanRequest {
        let size = size ?? UInt32(body.count)
        return AddInlineSpanRequest(
            fileId: file.id, cookie: file.cookie, storageClass: .inline, byteOffset: byteOffset, size: size,
            crc: CRC32C(of: body).zeroExtended(by: Int64(size) - Int64(body.count)), body: body)
    }

    /// A request for a span of random contents with right checksums.
    func newSpan(
        _ file: OpenFile, at byteOffset: UInt64 = 0, size: UInt32 = 8192, parity: Parity = Parity(data: 2, parity: 1),
        stripes: UInt8 = 1, cellSize: UInt32 = 4096, blacklist: [BlacklistEntry] = [], salt: UInt32 = 1
    ) -> AddSpanInitiateRequest {
        var crcs: [CRC32C] = []
        var whole = CRC32C.zero
        for stripe in 0..<UInt32(stripes) {
            let data = (0..<UInt32(parity.data)).map { CRC32C(rawValue: salt &* 0x9e37_79b9 &+ stripe &* 977 &+ $0) }
            let sum = data.dropFirst().reduce(data[0]) { $0.xor($1, length: UInt64(cellSize)) }
            crcs += data + [CRC32C](repeating: sum, count: parity.parity)
            whole = data.reduce(whole) { $0.appending($1, length: UInt64(cellSize)) }
        }
        let stored = Int64(cellSize) * Int64(stripes) * Int64(parity.data)
        return AddSpanInitiateRequest(
            fileId: file.id, cookie: file.cookie, byteOffset: byteOffset, size: size,
            crc: whole.zeroExtended(by: Int64(size) - stored), storageClass: .flash, blacklist: blacklist,
            parity: parity,
            stripes: stripes, cellSize: cellSize, crcs: crcs)
    }

    func proofs(_ blocks: [AddSpanInitiateBlockInfo]) throws -> [BlockProof] {
        try blocks.map { try ShardDisks.proof($0.blockServiceId, $0.blockId) }
    }

    func certify(_ file: OpenFile, at byteOffset: UInt64, _ blocks: [AddSpanInitiateBlockInfo]) throws {
        try call(
            AddSpanCertifyRequest(
                fileId: file.id, cookie: file.cookie, byteOffset: byteOffset, proofs: try proofs(blocks)))
    }

    /// A certified span; returns its blocks.
    @discardableResult
    func addSpan(
        _ file: OpenFile, at byteOffset: UInt64 = 0, size: UInt32 = 8192, salt: UInt32 = 1
    ) throws -> [AddSpanInitiateBlockInfo] {
        let blocks = try call(newSpan(file, at: byteOffset, size: size, salt: salt)).blocks
        try certify(file, at: byteOffset, blocks)
        return blocks
    }

    /// Removes the last span as the collector does; returns its offset.
    @discardableResult
    func removeLastSpan(_ file: OpenFile) throws -> UInt64 {
        let removal = try call(RemoveSpanInitiateRequest(fileId: file.id, cookie: file.cookie))
        guard !removal.blocks.isEmpty else { return removal.byteOffset }
        let proofs = try removal.blocks.map { try ShardDisks.proof($0.blockServiceId, $0.blockId, erase: true) }
        try call(
            RemoveSpanCertifyRequest(
                fileId: file.id, cookie: file.cookie, byteOffset: removal.byteOffset, proofs: proofs))
        return removal.byteOffset
    }
}
