import Protocol
import ShardCore
import Testing

/// What becomes of files under construction when the shard itself was away: nobody could renew them.
@Suite struct DowntimeTests {
    /// One and a half lifetimes.
    private static let outage: UInt64 = 5_400
    private let shard: ShardFixture

    init() throws { shard = try ShardFixture() }

    private func renew(_ file: ShardFixture.OpenFile) -> AddInlineSpanRequest {
        AddInlineSpanRequest(
            fileId: file.id, cookie: file.cookie, storageClass: .empty, byteOffset: 0, size: 0, crc: .zero, body: [])
    }

    private func goAway() throws {
        shard.tick(seconds: Self.outage)
        try shard.restart()
    }

    @Test func whatWasOpenIsOpen() throws {
        let (first, second) = (try shard.construct(), try shard.construct())
        try goAway()
        try shard.call(renew(first))
        // And again, before the other one was heard of.
        try goAway()
        for file in [first, second] { try shard.call(renew(file)) }
        _ = try shard.link(first, "a")
        shard.tick(seconds: 1_800)
        _ = try shard.link(second, "b")
    }

    @Test func whatNobodyRenewsThenGoesALifetimeLater() throws {
        let file = try shard.construct()
        try goAway()
        try shard.expect(.deadlineNotPassed, RemoveInodeRequest(id: file.id))
        shard.tick(seconds: 3_601)
        try shard.expect(.fileNotFound, renew(file))
        try shard.call(RemoveInodeRequest(id: file.id))
    }

    @Test func whatHadExpiredBeforeDoesNotComeBack() throws {
        let file = try shard.construct()
        shard.tick(seconds: 2 * 3_600 + 10)
        _ = try shard.construct()
        try goAway()
        try shard.expect(.fileNotFound, renew(file))
        try shard.call(RemoveInodeRequest(id: file.id))
    }

    @Test func whatWasGivenUpStaysSo() throws {
        let file = try shard.construct()
        try shard.call(ScrapTransientFileRequest(id: file.id, cookie: file.cookie))
        try goAway()
        try shard.expect(.fileNotFound, renew(file))
        try shard.call(RemoveInodeRequest(id: file.id))
    }

    /// Nobody works on them.
    @Test func supersededVersionsAreNotKept() throws {
        let first = try shard.publishFirst()
        _ = try shard.publishNext(after: first, supersedes: true)
        try goAway()
        try shard.call(RemoveInodeRequest(id: first))
    }
}
