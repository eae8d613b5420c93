import Erasure
import Protocol
import ShardCore
import Testing

// What clients do with shared spans.

extension ShardFixture {
    /// What a reader of a file sees of a span.
    struct Seen: Hashable {
        var byteOffset: UInt64
        var size: UInt32
        var crc: CRC32C
        var blocks: [BlockID]
        var inline: [UInt8]
    }

    /// All spans of a file, page by page.
    func seen(_ file: InodeID, mtu: UInt16 = 0) throws -> [Seen] {
        var seen: [Seen] = []
        var byteOffset: UInt64 = 0
        repeat {
            let page = try call(FileSpansRequest(fileId: file, byteOffset: byteOffset, limit: 0, mtu: mtu))
            for span in page.spans {
                var found = Seen(
                    byteOffset: span.header.byteOffset, size: span.header.size, crc: span.header.crc, blocks: [],
                    inline: [])
                switch span.body {
                case .inline(let inline): found.inline = inline.body
                case .locations(let copies): found.blocks = copies.locations.flatMap(\.blocks).map(\.blockId)
                }
                seen.append(found)
            }
            byteOffset = page.nextOffset
        } while byteOffset != 0
        return seen
    }

    func reference(
        _ file: OpenFile, at byteOffset: UInt64, to source: InodeID, from sourceOffset: UInt64 = 0,
        length: UInt64 = .max, kept: CRC32C = .zero, rest: CRC32C = .zero
    ) -> ReferSpansRequest {
        ReferSpansRequest(
            fileId: file.id, cookie: file.cookie, byteOffset: byteOffset, sourceId: source, sourceOffset: sourceOffset,
            length: length, keptCrc: kept, restCrc: rest)
    }

    /// A transient file that refers to all of another one, and its size.
    func copy(of source: InodeID, size: UInt64) throws -> OpenFile {
        let copy = try construct(note: "copy")
        var end: UInt64 = 0
        while end < size { end = try call(reference(copy, at: end, to: source, from: end)).size }
        #expect(end == size)
        return copy
    }

    /// The checksums of the first `cells` cells of a span of one stripe, and of the rest.
    func split(_ span: AddSpanInitiateRequest, after cells: Int) -> (kept: CRC32C, rest: CRC32C) {
        let data = span.crcs.prefix(span.parity.data)
        let cell = UInt64(span.cellSize)
        let kept = data.prefix(cells).reduce(CRC32C.zero) { $0.appending($1, length: cell) }
        let rest = data.dropFirst(cells).reduce(CRC32C.zero) { $0.appending($1, length: cell) }
        return (kept, rest.zeroExtended(by: Int64(span.size) - Int64(span.cellSize) * Int64(span.parity.data)))
    }

    /// Takes a file's name away, and what remembers it.
    func destroy(_ file: InodeID, named name: String, linkedAt time: Timestamp) throws {
        try unlink(name, (file, time))
        try call(
            SameShardHardFileUnlinkRequest(ownerId: .root, targetId: file, name: name.bytes, creationTime: time))
    }

    func files(on service: BlockServiceID) throws -> [InodeID] {
        try call(BlockServiceFilesRequest(blockServiceId: service, startFrom: .null)).fileIds
    }

    func references(of file: InodeID) throws -> FileReferencesResponse {
        try call(FileReferencesRequest(fileId: file, byteOffset: 0, mtu: 0))
    }

    func visitFiles() throws -> [InodeID] { try call(VisitFilesRequest(beginId: .null, mtu: 0)).ids }

    /// Where the record of a body stands in the store (see ShardKeys.swift).
    func keyOfBody(_ id: InodeID) -> [UInt8] {
        [shard.rawValue, 11] + withUnsafeBytes(of: id.rawValue.bigEndian) { [UInt8]($0) }
    }
}
