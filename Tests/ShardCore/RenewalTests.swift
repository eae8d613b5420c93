import Protocol
import ShardCore
import Testing

/// What writers do to keep a file that is silent for long: append an empty inline span.
@Suite struct RenewalTests {
    private let shard: ShardFixture

    init() throws { shard = try ShardFixture() }

    private func renew(_ file: ShardFixture.OpenFile) -> AddInlineSpanRequest {
        AddInlineSpanRequest(
            fileId: file.id, cookie: file.cookie, storageClass: .empty, byteOffset: 0, size: 0, crc: .zero, body: [])
    }

    private func passMostOfALifetime() {
        shard.now = Timestamp(nanoseconds: shard.now.nanoseconds + ShardFixture.lifetime / 4 * 3)
    }

    @Test func theDeadlineMovesAndNothingElseChanges() throws {
        let file = try shard.construct()
        for _ in 0..<5 {
            passMostOfALifetime()
            try shard.call(renew(file))
            let listed = try shard.call(VisitTransientFilesRequest(beginId: file.id, mtu: 0)).files.first
            let found = try shard.call(StatTransientFileRequest(id: file.id))
            #expect(listed?.id == file.id)
            #expect(found.size == 0)
            #expect((listed?.deadlineTime.nanoseconds ?? 0) - found.mtime.nanoseconds == ShardFixture.lifetime)
        }
        _ = try shard.link(file, "a")
    }

    @Test func theShardSaysHowLongItKeepsFiles() throws {
        #expect(try shard.call(TransientLifetimeRequest()).nanoseconds == ShardFixture.lifetime)
    }

    @Test func aHalfWrittenSpanDoesNotMatter() throws {
        let file = try shard.construct()
        try shard.addInline(file, at: 0, [1, 2, 3], size: 4096)
        let blocks = try shard.call(shard.newSpan(file, at: 4096)).blocks
        passMostOfALifetime()
        try shard.call(renew(file))
        passMostOfALifetime()
        try shard.certify(file, at: 4096, blocks)
        _ = try shard.link(file, "a")
    }

    @Test func whatHasExpiredIsGone() throws {
        let file = try shard.construct()
        passMostOfALifetime()
        passMostOfALifetime()
        try shard.expect(.fileNotFound, renew(file))
    }
}
