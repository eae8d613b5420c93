import Erasure
import Protocol
import ShardCore
import Testing

/// How many of a file's bytes are zeros that take no room.
@Suite("Holes") struct HoleTests {
    private let shard: ShardFixture

    init() throws { shard = try ShardFixture() }

    private func holes(_ id: InodeID) throws -> UInt64 { try shard.attributes(id).holes }

    @Test func zerosThatAreNotStoredAreCounted() throws {
        let file = try shard.construct()
        try shard.addInline(file, at: 0, [0], size: 1 << 20)
        try shard.addInline(file, at: 1 << 20, [1, 2, 3], size: 4096)
        try shard.addInline(file, at: 1 << 20 + 4096, [7], size: 1)
        // A repeated request adds nothing.
        try shard.addInline(file, at: 1 << 20 + 4096, [7], size: 1)
        try shard.link(file, "a")
        #expect(try holes(file.id) == 1 << 20 + 4093)
        try shard.restart()
        #expect(try holes(file.id) == 1 << 20 + 4093)
        try shard.set(file.id, shard.change(mode: 0o600))
        #expect(try holes(file.id) == 1 << 20 + 4093)
    }

    @Test func whatTheLastRequestBringsCounts() throws {
        let file = try shard.construct()
        var request = shard.publishing(file, body: [0])
        request.size = 8192
        request.crc = .ofZeros(8192)
        try shard.call(shard.publishing(request))
        #expect(try holes(file.id) == 8192)
        let next = try shard.publishNext(after: file.id, "a", body: [1], supersedes: true)
        #expect(try holes(next) == 0 && holes(file.id) == 8192)
    }

    @Test func aFileWithoutThemTakesNoByteMore() throws {
        let file = try shard.construct()
        try shard.addSpan(file)
        try shard.call(shard.publishing(file))
        #expect(try holes(file.id) == 0)
        let single = try shard.publishFirst("b", body: [0])
        #expect(try holes(single) == 0)
        #expect(try !shard.records().values.contains { $0.first == 3 && $0.count > 25 && $0.count < 40 })
    }

    @Test func whoRefersToHolesHasThemToo() throws {
        let file = try shard.construct()
        try shard.addInline(file, at: 0, [0], size: 1 << 20)
        try shard.addSpan(file, at: 1 << 20)
        try shard.link(file, "a")
        let copy = try shard.construct()
        let size = try shard.attributes(file.id).size
        try shard.call(
            ReferSpansRequest(
                fileId: copy.id, cookie: copy.cookie, byteOffset: 0, sourceId: file.id, sourceOffset: 0, length: size,
                keptCrc: .zero, restCrc: .zero))
        try shard.link(copy, "b")
        #expect(try holes(copy.id) == 1 << 20)
        #expect(try holes(file.id) == 1 << 20)
    }

    @Test func entriesOfEarlierVersionsCountNone() throws {
        let file = try shard.construct()
        let span = AddInlineSpanRequest(
            fileId: file.id, cookie: file.cookie, storageClass: .inline, byteOffset: 0, size: 4096, crc: .ofZeros(4096),
            body: [0])
        var entry = try shard.core.prepare(.addInlineSpan(span), at: shard.tick())
        entry.keepsAttributes = false
        _ = try shard.apply(entry)
        try shard.link(file, "a")
        #expect(try holes(file.id) == 0)
    }
}
