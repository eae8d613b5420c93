import Erasure
import Protocol
import ShardCore
import Testing

/// LINK_FILE_WITH_SPAN: both or nothing, once.
@Suite("LINK_FILE_WITH_SPAN") struct LinkWithSpanTests {
    private let shard: ShardFixture

    init() throws { shard = try ShardFixture() }

    private func request(
        _ file: ShardFixture.OpenFile, _ name: String, at byteOffset: UInt64 = 0, _ body: [UInt8] = [1, 2, 3]
    ) -> LinkFileWithSpanRequest {
        LinkFileWithSpanRequest(
            fileId: file.id, cookie: file.cookie, storageClass: .inline, byteOffset: byteOffset, size: 10,
            crc: CRC32C(of: body).zeroExtended(by: Int64(10 - body.count)), body: body, ownerId: .root,
            name: name.bytes)
    }

    @Test func aFileGetsItsContentsAndItsName() throws {
        let file = try shard.construct()
        let time = try shard.call(request(file, "a")).creationTime
        #expect(try shard.call(LookupRequest(dirId: .root, name: "a".bytes)).creationTime == time)
        #expect(try shard.call(StatFileRequest(id: file.id)).size == 10)
        let spans = try shard.call(LocalFileSpansRequest(fileId: file.id, byteOffset: 0, limit: 0, mtu: 0)).spans
        guard spans.count == 1, case .inline(let inline) = spans[0].body else {
            Issue.record("\(spans)")
            return
        }
        #expect(inline.body == [1, 2, 3])
    }

    @Test func aCopyIsAnsweredTheSameAndDoesNothing() throws {
        let file = try shard.construct()
        let time = try shard.call(request(file, "a")).creationTime
        #expect(try shard.call(request(file, "a")).creationTime == time)
        // The name was given away meanwhile.
        let other = try shard.construct()
        let later = try shard.call(request(other, "a")).creationTime
        try shard.expect(.fileNotFound, request(file, "a"))
        #expect(try shard.call(LookupRequest(dirId: .root, name: "a".bytes)).creationTime == later)
    }

    @Test func aSpanThatCameAloneBeforeIsNotAddedTwice() throws {
        let file = try shard.construct()
        try shard.call(request(file, "a").spanAlone)
        try shard.call(request(file, "a"))
        #expect(try shard.call(StatFileRequest(id: file.id)).size == 10)
    }

    @Test func whatIsRefusedLeavesTheFileAsItWas() throws {
        let file = try shard.construct()
        let other = try shard.construct()
        try shard.expect(.badCookie, request(ShardFixture.OpenFile(id: file.id, cookie: other.cookie), "a"))
        try shard.expect(.badName, request(file, "a/b"))
        try shard.expect(.badSpanBody, request(file, "a", at: 5))
        try shard.expect(.spanNotFound, request(file, "a", at: 4096))
        var bad = request(file, "a")
        bad.crc = .zero
        try shard.expect(.badSpanBody, bad)
        try shard.expect(.directoryNotFound, elsewhere(file))
        try shard.expect(.nameNotFound, LookupRequest(dirId: .root, name: "a".bytes))
        // Nothing was added: the span still goes to the beginning.
        #expect(try shard.call(request(file, "b")).creationTime > .zero)
        #expect(try shard.call(StatFileRequest(id: file.id)).size == 10)
    }

    private func elsewhere(_ file: ShardFixture.OpenFile) -> LinkFileWithSpanRequest {
        var request = request(file, "a")
        request.ownerId = InodeID(type: .directory, shard: shard.shard, index: 4711)
        return request
    }

    @Test func anExpiredFileIsNotLinked() throws {
        let file = try shard.construct()
        shard.now = Timestamp(nanoseconds: shard.now.nanoseconds + 24 * 3600 * ShardFixture.second)
        try shard.expect(.fileNotFound, request(file, "a"))
    }
}

extension LinkFileWithSpanRequest {
    fileprivate var spanAlone: AddInlineSpanRequest {
        AddInlineSpanRequest(
            fileId: fileId, cookie: cookie, storageClass: storageClass, byteOffset: byteOffset, size: size, crc: crc,
            body: body)
    }
}
