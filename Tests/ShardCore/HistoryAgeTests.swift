import Protocol
import ShardCore
import Testing

/// History younger than the minimum age is not removed, whoever asks.
@Suite("Minimum age of history")
struct HistoryAgeTests {
    private static let age: UInt64 = 600
    private let shard: ShardFixture
    private let file: (id: InodeID, time: Timestamp)
    private let deleted: Timestamp

    init() throws {
        shard = try ShardFixture(minimumHistoryAge: Self.age * ShardFixture.second)
        file = try shard.makeFile("foo")
        deleted = try shard.unlink("foo", file)
    }

    private var marker: RemoveNonOwnedEdgeRequest {
        RemoveNonOwnedEdgeRequest(dirId: .root, targetId: .null, name: "foo".bytes, creationTime: deleted)
    }

    private var unlink: SameShardHardFileUnlinkRequest {
        SameShardHardFileUnlinkRequest(
            ownerId: .root, targetId: file.id, name: "foo".bytes, creationTime: file.time)
    }

    private var firstHalf: RemoveOwnedSnapshotFileEdgeRequest {
        RemoveOwnedSnapshotFileEdgeRequest(
            ownerId: .root, targetId: file.id, name: "foo".bytes, creationTime: file.time)
    }

    @Test("a deletion marker and a file of the same shard")
    func sameShard() throws {
        let before = try shard.edges()
        for _ in 0..<2 {
            try shard.expect(.deadlineNotPassed, marker, isPrivileged: false)
            try shard.expect(.deadlineNotPassed, unlink, isPrivileged: false)
        }
        #expect(try shard.edges() == before)
        shard.tick(seconds: Self.age)
        try shard.call(unlink)
        try shard.call(marker)
        #expect(try shard.edges().isEmpty)
        // What is gone is gone for whoever asks again.
        try shard.call(unlink)
        try shard.call(marker)
    }

    @Test("a file of another shard, of which the coordinator asks: each gets an answer that it knows")
    func otherShard() throws {
        #expect(try shard.once(firstHalf, 1, closed: 0) == .failure(.deadlineNotPassed))
        try shard.expect(.directoryNotFound, firstHalf)
        shard.tick(seconds: Self.age)
        shard.checksInvariants = false
        #expect(try shard.once(firstHalf, 2, closed: 0) == .success(.removeOwnedSnapshotFileEdge))
    }

    @Test("entry times that a clock has driven ahead make nothing old")
    func timesAhead() throws {
        let now = shard.now
        shard.now = Timestamp(nanoseconds: now.nanoseconds + 1_000 * Self.age * ShardFixture.second)
        try shard.makeFile("bar")
        shard.now = now
        try shard.expect(.deadlineNotPassed, unlink)
    }

    @Test("entries of the version that knew no such rule are replayed as they were")
    func oldEntries() throws {
        var entry = try shard.core.prepare(unlink.erased, at: shard.tick())
        #expect(entry.minimumHistoryAgeNanoseconds == Self.age * ShardFixture.second)
        entry.clock = nil
        entry.minimumHistoryAgeNanoseconds = 0
        #expect(try shard.apply(entry) == .response(.sameShardHardFileUnlink(SameShardHardFileUnlinkResponse())))
    }
}
