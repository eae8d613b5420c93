import Protocol
import ShardCore
import Testing

/// What becomes of files under construction when the leader's clock jumps and comes back.
@Suite("A clock that jumps")
struct ClockJumpTests {
    private static let month: UInt64 = 30 * 86_400 * ShardFixture.second
    private let shard: ShardFixture

    init() throws { shard = try ShardFixture() }

    /// Does something while the clock is wrong.
    private func ahead<Result>(_ body: () throws -> Result) throws -> Result {
        let now = shard.now
        shard.now = Timestamp(nanoseconds: now.nanoseconds + Self.month)
        defer { shard.now = now }
        return try body()
    }

    @Test("files that are open stay so, and new ones live no longer than others")
    func openFiles() throws {
        let file = try shard.construct()
        try shard.addSpan(file)
        _ = try ahead { try shard.construct() }
        try shard.addSpan(file, at: 8192, salt: 2)
        try shard.link(file, "foo")
        let late = try shard.construct()
        let deadline = try #require(
            try shard.call(VisitTransientFilesRequest(beginId: late.id, mtu: 0)).files.first?.deadlineTime)
        #expect(deadline.nanoseconds == shard.now.nanoseconds + ShardFixture.lifetime)
    }

    @Test("what is deleted afterwards goes at once")
    func deletion() throws {
        let foo = try shard.makeFile("foo")
        _ = try ahead { try shard.construct() }
        try shard.unlink("foo", foo)
        try shard.call(
            SameShardHardFileUnlinkRequest(
                ownerId: .root, targetId: foo.id, name: "foo".bytes, creationTime: foo.time))
        shard.tick()
        try shard.call(RemoveInodeRequest(id: foo.id))
        try shard.expect(.fileNotFound, StatTransientFileRequest(id: foo.id))
    }

    @Test("what was given up while the clock was ahead never comes back")
    func doomed() throws {
        let (scrapped, broken) = (try shard.construct(), try shard.construct())
        try shard.addInline(broken, at: 0, "x".bytes, size: 4096)
        try shard.addInline(broken, at: 4096, "y".bytes, size: 4096)
        let (unlinked, linked) = (try shard.construct(), try shard.construct())
        let time = try shard.link(unlinked, "foo")
        try shard.link(linked, "bar")
        try shard.unlink("foo", (unlinked.id, time))
        try ahead {
            try shard.call(ScrapTransientFileRequest(id: scrapped.id, cookie: scrapped.cookie))
            #expect(try shard.removeLastSpan(broken) == 4096)
            try shard.call(
                SameShardHardFileUnlinkRequest(
                    ownerId: .root, targetId: unlinked.id, name: "foo".bytes, creationTime: time))
        }
        for file in [scrapped, broken, unlinked] {
            try shard.expect(
                .fileNotFound,
                LinkFileRequest(fileId: file.id, cookie: file.cookie, ownerId: .root, name: "back".bytes))
            try shard.expect(.fileNotFound, shard.inlineSpan(file, at: 4096, "z".bytes, size: 4096))
        }
        #expect(try shard.lookup("bar").targetId == linked.id)
    }

    @Test("late copies of requests are still known")
    func lateCopies() throws {
        let file = try shard.makeFile("foo")
        func setTime(_ seconds: UInt64, _ id: UInt64) throws {
            let request = SetTimeRequest(id: file.id, mtime: 1 << 63 | seconds * ShardFixture.second, atime: 0)
            _ = try shard.reply(request.erased, isPrivileged: false, requestID: id).get()
        }
        for id in 1...20 as ClosedRange<UInt64> { try setTime(id, id) }
        try ahead { try setTime(21, 21) }
        for id in 22...40 as ClosedRange<UInt64> { try setTime(id, id) }
        for id in 10...40 as ClosedRange<UInt64> { try setTime(id, id) }
        #expect(try shard.call(StatFileRequest(id: file.id)).mtime.nanoseconds == 40 * ShardFixture.second)
    }

    @Test("files of a version that knew no clock keep their deadline")
    func oldFiles() throws {
        var entry = try shard.core.prepare(.constructFile(ConstructFileRequest(type: .file, note: [])), at: shard.tick())
        entry.clock = nil
        guard case .response(.constructFile(let made)) = try shard.apply(entry) else {
            throw ProtocolError.malformedResponse
        }
        let file = ShardFixture.OpenFile(id: made.id, cookie: made.cookie)
        try shard.addInline(file, at: 0, "x".bytes, size: 4096)
        shard.tick(seconds: 3_601)
        try shard.expect(.fileNotFound, shard.inlineSpan(file, at: 4096, "z".bytes, size: 4096))
    }
}
