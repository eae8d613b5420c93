import Protocol
import ShardCore
import Testing

/// PUBLISH_FILE: a file and its contents appear under a name, if the name leads to what its writer thinks.
@Suite("PUBLISH_FILE") struct PublishingTests {
    private let shard: ShardFixture

    init() throws { shard = try ShardFixture() }

    @Test func aFileGetsItsContentsItsNameAndItsNumber() throws {
        let file = try shard.construct()
        let published = try shard.call(shard.publishing(file, body: [1, 2, 3]))
        #expect(published.number == file.id)
        #expect(try shard.lookup("a").creationTime == published.creationTime)
        let found = try shard.stat(file.id)
        #expect(found.id == file.id && found.number == file.id && found.size == 3)
        #expect(found.mtime == published.creationTime && found.atime == published.creationTime)
        #expect(try shard.newest(file.id) == found)
        #expect(try shard.call(StatFileRequest(id: file.id)).size == 3)
    }

    @Test func withoutASpanItIsWhatWasWritten() throws {
        let file = try shard.construct()
        try shard.addSpan(file)
        try shard.call(shard.publishing(file))
        #expect(try shard.stat(file.id).size == 8192)
    }

    @Test func ofTwoWhoExpectTheSameOneIsRefused() throws {
        let first = try shard.publishFirst()
        let (mine, yours) = (try shard.construct(), try shard.construct())
        try shard.call(shard.publishing(mine, over: first, number: first))
        try shard.expect(.mismatchingTarget, shard.publishing(yours, over: first, number: first))
        #expect(try shard.lookup("a").targetId == mine.id)
        // Refused, not lost.
        try shard.call(shard.publishing(yours, over: mine.id, number: first))
        #expect(try shard.lookup("a").targetId == yours.id)
        #expect(try shard.stat(yours.id).number == first)
    }

    @Test func whereSomethingIsExpectedNothingIsNotEnough() throws {
        let first = try shard.publishFirst()
        let time = try shard.lookup("a").creationTime
        try shard.unlink("a", (first, time))
        try shard.expect(.mismatchingTarget, shard.publishing(try shard.construct(), over: first, number: first))
    }

    @Test func aNameThatMustBeAbsentIsNotOverwritten() throws {
        let first = try shard.publishFirst()
        let before = try shard.edges()
        try shard.expect(.cannotOverrideName, shard.publishing(try shard.construct(), over: .null))
        #expect(try shard.edges() == before)
        try shard.makeDirectory("d", index: 1)
        try shard.expect(.cannotOverrideName, shard.publishing(try shard.construct(), as: "d", over: .null))
        try shard.expect(.cannotOverrideName, shard.publishing(try shard.construct(), as: "d"))
        try shard.unlink("a", (first, try shard.lookup("a").creationTime))
        try shard.call(shard.publishing(try shard.construct(), over: .null))
    }

    @Test func aLockedNameIsRefused() throws {
        let first = try shard.publishFirst()
        let time = try shard.lookup("a").creationTime
        try shard.call(LockCurrentEdgeRequest(dirId: .root, targetId: first, creationTime: time, name: "a".bytes))
        let next = shard.publishing(try shard.construct(), over: first, number: first, supersedes: true)
        try shard.expect(.nameIsLocked, next)
        #expect(try shard.stat(first).id == first)
    }

    @Test func aCopyIsAnsweredTheSame() throws {
        let first = try shard.publishFirst()
        let request = shard.publishing(
            try shard.construct(), body: [1], over: first, number: first, supersedes: true)
        let answer = try shard.call(request)
        let edges = try shard.edges()
        #expect(try shard.call(request) == answer)
        #expect(answer.number == first)
        #expect(try shard.edges() == edges)
        // When the name has gone on, a copy finds nothing to do, whether or not the version left a snapshot.
        let second = try shard.publishNext(after: request.fileId, supersedes: true)
        try shard.expect(.fileNotFound, request)
        let third = shard.publishing(try shard.construct(), over: second, number: first)
        try shard.call(third)
        let fourth = try shard.publishNext(after: third.fileId)
        try shard.expect(.fileNotFound, third)
        #expect(try shard.lookup("a").targetId == fourth)
    }

    @Test func whatItsPartsRefuseIsRefusedAndNothingHappened() throws {
        let first = try shard.publishFirst()
        let (file, other) = (try shard.construct(), try shard.construct())
        let before = try shard.edges()
        func expect(_ code: ProtocolError, _ change: (inout PublishFileRequest) -> Void) throws {
            var request = shard.publishing(file, body: [1, 2], over: first, number: first, supersedes: true)
            change(&request)
            try shard.expect(code, request)
            #expect(try shard.edges() == before)
            #expect(try shard.call(StatTransientFileRequest(id: file.id)).size == 0)
            #expect(try shard.stat(first).size == 0)
        }
        try expect(.badCookie) { $0.cookie = other.cookie }
        try expect(.badName) { $0.name = "a/b".bytes }
        try expect(.badSpanBody) { $0.crc = .zero }
        try expect(.spanNotFound) { $0.byteOffset = 4096 }
        try expect(.typeIsDirectory) { $0.number = .root }
        try expect(.typeIsNotDirectory) { $0.ownerId = first }
        try expect(.badShard) { $0.ownerId = InodeID(type: .directory, shard: ShardID(rawValue: 9), index: 1) }
        try expect(.directoryNotFound) { $0.ownerId = InodeID(type: .directory, shard: shard.shard, index: 9) }
        let half = try shard.construct()
        _ = try shard.call(shard.newSpan(half))
        try shard.expect(.lastSpanStateNotClean, shard.publishing(half, over: first, number: first))
        shard.tick(seconds: 24 * 3600)
        try shard.expect(.fileNotFound, shard.publishing(file))
    }
}
