import Protocol
import ShardCore
import Testing

/// A version that leaves no snapshot is read for a while, changed by nobody, and collected afterwards.
@Suite("Superseded versions") struct SupersededVersionTests {
    private static let grace: UInt64 = 600
    private let shard: ShardFixture
    private let file: ShardFixture.OpenFile
    private let first: StatVersionResponse
    private let second: InodeID

    /// A file of a block span and an inline one, its times set, was replaced by a second version.
    init() throws {
        shard = try ShardFixture(supersededGrace: Self.grace * ShardFixture.second)
        file = try shard.construct()
        try shard.addSpan(file)
        try shard.addInline(file, at: 8192, [1, 2, 3])
        try shard.call(shard.publishing(file))
        // Far in the future: it must not keep anybody from collecting the version.
        try shard.call(SetTimeRequest(id: file.id, mtime: 1 << 63 | 1 << 62, atime: 1 << 63 | 8))
        first = try shard.stat(file.id)
        second = try shard.publishNext(after: file.id, supersedes: true)
    }

    private var initiate: RemoveSpanInitiateRequest {
        RemoveSpanInitiateRequest(fileId: file.id, cookie: file.cookie)
    }

    private func spans() throws -> [FetchedFullSpan] {
        try shard.call(FileSpansRequest(fileId: file.id, byteOffset: 0, limit: 0, mtu: 0)).spans
    }

    @Test func itLeavesNoSnapshotAndIsReadAsBefore() throws {
        #expect(try shard.edges().map(\.targetId.id) == [second])
        #expect(try shard.stat(file.id) == first)
        let stat = try shard.call(StatFileRequest(id: file.id))
        #expect(stat.size == first.size && stat.mtime == first.mtime && stat.atime == first.atime)
        #expect(try spans().count == 2)
        try shard.restart()
        #expect(try shard.stat(file.id) == first)
        #expect(try shard.newest(file.id).id == second)
    }

    @Test func itIsListedAmongWhatIsToBeCollectedAndNotAmongFiles() throws {
        #expect(try shard.call(VisitFilesRequest(beginId: .null, mtu: 0)).ids == [second])
        let listed = try shard.call(VisitTransientFilesRequest(beginId: .null, mtu: 0)).files
        #expect(listed.map(\.id) == [file.id])
        let deadline = try #require(listed.first).deadlineTime
        #expect(deadline.nanoseconds == shard.now.nanoseconds + Self.grace * ShardFixture.second)
    }

    @Test func nobodyChangesNamesOrDestroysIt() throws {
        let before = try spans()
        try shard.expect(.fileNotFound, shard.inlineSpan(file, at: 8192, [1]))
        try shard.expect(.fileNotFound, shard.newSpan(file, at: 12288))
        try shard.expect(.fileNotFound, shard.publishing(file, as: "b"))
        try shard.expect(
            .fileNotFound,
            LinkFileRequest(fileId: file.id, cookie: file.cookie, ownerId: .root, name: "b".bytes))
        try shard.expect(.fileNotFound, SetTimeRequest(id: file.id, mtime: 1 << 63 | 9, atime: 0))
        try shard.expect(.fileNotFound, ScrapTransientFileRequest(id: file.id, cookie: file.cookie))
        try shard.expect(.deadlineNotPassed, initiate)
        try shard.expect(.deadlineNotPassed, RemoveInodeRequest(id: file.id))
        let other = try shard.construct()
        _ = try shard.call(shard.newSpan(other))
        try shard.expect(
            .fileNotFound,
            MoveSpanRequest(
                spanSize: 8192, fileId1: other.id, byteOffset1: 0, cookie1: other.cookie, fileId2: file.id,
                byteOffset2: 12288, cookie2: file.cookie))
        // What the coordinator and old clients may still ask of a file that left its name.
        try shard.call(MakeFileTransientRequest(id: file.id, note: []))
        try shard.call(
            SameShardHardFileUnlinkRequest(
                ownerId: .root, targetId: file.id, name: "a".bytes, creationTime: first.mtime))
        #expect(try shard.stat(file.id) == first)
        #expect(try spans() == before)
    }

    @Test func collectorsTakeItAfterItsGraceAsAnyOther() throws {
        shard.tick(seconds: Self.grace)
        #expect(try shard.removeLastSpan(file) == 8192)
        // From now on it is no version any more.
        try shard.expect(.fileNotFound, StatVersionRequest(id: file.id, newest: false))
        try shard.expect(.fileNotFound, StatFileRequest(id: file.id))
        #expect(try shard.removeLastSpan(file) == 0)
        try shard.call(RemoveInodeRequest(id: file.id))
        #expect(try shard.newest(file.id).id == second)
        #expect(try shard.call(VisitTransientFilesRequest(beginId: .null, mtu: 0)).files.isEmpty)
    }

    @Test func itIsNotTheNewestEvenWhenAllOthersAreGone() throws {
        let time = try shard.lookup("a").creationTime
        try shard.unlink("a", (second, time))
        try shard.call(
            SameShardHardFileUnlinkRequest(ownerId: .root, targetId: second, name: "a".bytes, creationTime: time))
        try shard.expect(.fileNotFound, StatVersionRequest(id: file.id, newest: true))
        #expect(try shard.stat(file.id) == first)
    }

    @Test func aClockThatGoesBackGivesItToNobody() throws {
        shard.now = Timestamp(nanoseconds: shard.now.nanoseconds - 30 * 24 * 3600 * ShardFixture.second)
        try shard.expect(.fileNotFound, shard.inlineSpan(file, at: 8192, [1]))
        try shard.expect(.deadlineNotPassed, initiate)
        #expect(try shard.stat(file.id) == first)
    }

    @Test func blocksMoveAsBetweenLinkedFiles() throws {
        let scratch = try shard.construct()
        let theirs = try shard.addSpan(scratch)
        guard case .locations(let mine) = try #require(try spans().first).body else {
            Issue.record("not a block span")
            return
        }
        try shard.call(
            SwapSpansRequest(
                fileId1: file.id, byteOffset1: 0, blocks1: mine.locations[0].blocks.map(\.blockId),
                fileId2: scratch.id, byteOffset2: 0, blocks2: theirs.map(\.blockId)))
        guard case .locations(let moved) = try #require(try spans().first).body else {
            Issue.record("not a block span any more")
            return
        }
        #expect(moved.locations[0].blocks.map(\.blockId) == theirs.map(\.blockId))
        #expect(try shard.stat(file.id) == first)
    }

    @Test func onlyTheExpectedVersionOfTheSameFileIsSuperseded() throws {
        // Unconditionally: a snapshot. Of another file: too.
        let third = try shard.construct()
        try shard.call(shard.publishing(third, number: file.id, supersedes: true))
        #expect(try shard.stat(third.id).number == file.id)
        let other = try shard.construct()
        try shard.call(shard.publishing(other, over: third.id, supersedes: true))
        #expect(try shard.history("a").map(\.targetId.id) == [other.id, third.id, second])
        #expect(try shard.history("a").map(\.targetId.flag) == [false, true, true])
    }

    @Test func theGraceIsNoShorterThanTheMinimumAgeOfHistory() throws {
        let age = 4 * Self.grace
        let shard = try ShardFixture(
            minimumHistoryAge: age * ShardFixture.second, supersededGrace: Self.grace * ShardFixture.second)
        let version = try shard.publishFirst()
        _ = try shard.publishNext(after: version, supersedes: true)
        let deadline = try #require(try shard.call(VisitTransientFilesRequest(beginId: .null, mtu: 0)).files.first)
        #expect(deadline.deadlineTime.nanoseconds == shard.now.nanoseconds + age * ShardFixture.second)
    }
}
