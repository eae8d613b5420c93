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
        // A repeated request adds nothing.
        for _ in 0..<2 { try shard.addInline(file, at: 1 << 20, [1, 2, 3], size: 4096) }
        try shard.addInline(file, at: 1 << 20 + 4096, [7], size: 1)
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

    private typealias Written = (file: ShardFixture.OpenFile, blocks: [BlockID])

    /// A file whose span of three pages stores two of them.
    private func sparse() throws -> Written { try written(zeros: false) }

    /// One of the same contents that stores all three.
    private func full() throws -> Written { try written(zeros: true) }

    private func written(zeros: Bool) throws -> Written {
        let file = try shard.construct()
        var request = shard.newSpan(file, size: 12288)
        if zeros {
            let data = Array(request.crcs.prefix(2)) + [CRC32C.ofZeros(4096)]
            let parity = data.dropFirst().reduce(data[0]) { $0.xor($1, length: 4096) }
            (request.parity, request.crcs) = (Parity(data: 3, parity: 1), data + [parity])
        }
        let blocks = try shard.call(request).blocks
        try shard.certify(file, at: 0, blocks)
        return (file, blocks.map(\.blockId))
    }

    private func swap(_ one: Written, _ other: Written) -> SwapSpansRequest {
        SwapSpansRequest(
            fileId1: one.file.id, byteOffset1: 0, blocks1: one.blocks, fileId2: other.file.id, byteOffset2: 0,
            blocks2: other.blocks)
    }

    @Test func spansThatChangePlacesTakeTheirZerosAlong() throws {
        let (linked, spare) = (try sparse(), try full())
        try shard.link(linked.file, "linked")
        #expect(try holes(linked.file.id) == 4096)
        // A second copy of the request changes nothing.
        for _ in 0..<2 { try shard.call(swap(linked, spare)) }
        #expect(try holes(linked.file.id) == 0)
        // The file under construction has them now, and keeps them when it gets a name.
        try shard.link(spare.file, "spare")
        #expect(try holes(spare.file.id) == 4096)
        try shard.call(swap((linked.file, spare.blocks), (spare.file, linked.blocks)))
        #expect(try holes(linked.file.id) == 4096 && holes(spare.file.id) == 0)
        try shard.restart()
        #expect(try holes(linked.file.id) == 4096 && holes(spare.file.id) == 0)
    }

    @Test func aSupersededVersionCountsWhatItHasNow() throws {
        let (first, spare) = (try sparse(), try full())
        try shard.call(shard.publishing(first.file, over: .null))
        _ = try shard.publishNext(after: first.file.id, supersedes: true)
        #expect(try holes(first.file.id) == 4096)
        try shard.call(swap(first, spare))
        #expect(try holes(first.file.id) == 0)
        try shard.link(spare.file, "b")
        #expect(try holes(spare.file.id) == 4096)
    }

    @Test func whatIsTakenAwayFromAFileIsNotItsOwn() throws {
        // A span that could not be written goes to a file that is given up.
        let (file, aside) = (try shard.construct(), try shard.construct())
        try shard.call(shard.newSpan(file, size: 12288))
        let move = MoveSpanRequest(
            spanSize: 12288, fileId1: file.id, byteOffset1: 0, cookie1: file.cookie, fileId2: aside.id, byteOffset2: 0,
            cookie2: aside.cookie)
        for _ in 0..<2 { try shard.call(move) }
        try shard.addInline(file, at: 0, [1], size: 100)
        try shard.link(file, "a")
        #expect(try holes(file.id) == 99)
        // What was scrapped shows nothing, and is taken apart as ever.
        try shard.call(ScrapTransientFileRequest(id: aside.id, cookie: aside.cookie))
        shard.tick()
        try shard.removeLastSpan(aside)
        try shard.call(RemoveInodeRequest(id: aside.id))
    }

    private func copy(
        of source: InodeID, _ begin: UInt64 = 0, _ length: UInt64 = .max
    ) throws -> ShardFixture.OpenFile {
        let copy = try shard.construct()
        try shard.call(shard.reference(copy, at: 0, to: source, from: begin, length: length))
        return copy
    }

    @Test func versionsThatShareRangesHaveTheirHolesToo() throws {
        let file = try shard.construct()
        for index in 0..<3 as Range<UInt64> {
            let size: UInt32 = index == 1 ? 8192 : 12288
            try shard.addSpan(file, at: index * 12288 - (index == 2 ? 4096 : 0), size: size, salt: UInt32(index) + 1)
        }
        try shard.link(file, "a")
        #expect(try holes(file.id) == 8192)
        // The first one moves the spans, the others find them there.
        let ranges: [(begin: UInt64, length: UInt64, holes: UInt64)] = [
            (0, .max, 8192), (12288, .max, 4096), (0, 20480, 4096), (12288, 8192, 0), (0, .max, 8192),
        ]
        for (begin, length, expected) in ranges {
            let copy = try copy(of: file.id, begin, length)
            try shard.link(copy, "copy")
            #expect(try holes(copy.id) == expected, "\(length) from \(begin) on")
        }
        #expect(try holes(file.id) == 8192)
        let again = try copy(of: try shard.lookup("copy").targetId)
        try shard.link(again, "again")
        #expect(try holes(again.id) == 8192)
    }

    @Test func whatIsCutHasTheZerosThatAreLeft() throws {
        let file = try shard.construct()
        let span = shard.newSpan(file, size: 5 * 4096)
        try shard.certify(file, at: 0, try shard.call(span).blocks)
        try shard.link(file, "a")
        // Four pages, of which two are stored; then of these again one.
        let data = span.crcs.prefix(2).reduce(CRC32C.zero) { $0.appending($1, length: 4096) }
        let four = try shard.construct()
        try shard.call(
            shard.reference(
                four, at: 0, to: file.id, length: 4 * 4096, kept: data.zeroExtended(by: 8192), rest: .ofZeros(4096)))
        try shard.link(four, "four")
        #expect(try holes(four.id) == 8192)
        let one = try shard.construct()
        try shard.call(
            shard.reference(
                one, at: 0, to: four.id, length: 4096, kept: span.crcs[0], rest: span.crcs[1].zeroExtended(by: 8192)))
        try shard.link(one, "one")
        #expect(try holes(one.id) == 0)
    }

    @Test func aSpanInABodyThatGetsOtherZerosCountsSoForWhoRefersToItLater() throws {
        let (file, spare) = (try sparse(), try full())
        try shard.link(file.file, "a")
        let before = try copy(of: file.file.id)
        try shard.link(before, "before")
        try shard.call(swap(file, spare))
        let after = try copy(of: file.file.id)
        try shard.link(after, "after")
        #expect(try holes(after.id) == 0)
        // Nobody knows who refers to a body.
        #expect(try holes(before.id) == 4096 && holes(file.file.id) == 4096)
        try shard.call(swap((file.file, spare.blocks), (spare.file, file.blocks)))
        try shard.link(try copy(of: file.file.id), "last")
        #expect(try holes(try shard.lookup("last").targetId) == 4096)
    }

    @Test func anEntryCountsInABoundedNumberOfSpans() throws {
        let shard = try ShardFixture(checksInvariants: false)
        let source = try shard.construct()
        let count = 2 * BodyLimits.spans + 10
        for index in 0..<count { try shard.addSpan(source, at: UInt64(index) * 12288, size: 12288) }
        let size = UInt64(count) * 12288
        _ = try shard.copy(of: source.id, size: size)
        let steps = shard.log.count
        let copy = try shard.copy(of: source.id, size: size)
        #expect(shard.log.count - steps > 1 + 1, "a second entry besides CONSTRUCT_FILE")
        try shard.link(copy, "copy")
        #expect(try shard.attributes(copy.id).holes == UInt64(count) * 4096)
        shard.expectInvariants()
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
