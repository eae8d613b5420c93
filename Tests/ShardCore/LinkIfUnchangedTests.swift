import Protocol
import ShardCore
import Testing

/// LINK_FILE_IF_UNCHANGED: of several who made a new version of what they read, one gets the name.
@Suite("LINK_FILE_IF_UNCHANGED") struct LinkIfUnchangedTests {
    private let shard: ShardFixture

    init() throws { shard = try ShardFixture() }

    private func request(
        _ file: ShardFixture.OpenFile, over expected: InodeID, _ name: String = "a"
    ) -> LinkFileIfUnchangedRequest {
        LinkFileIfUnchangedRequest(
            fileId: file.id, cookie: file.cookie, ownerId: .root, name: name.bytes, expectedId: expected)
    }

    private func target() throws -> InodeID {
        try shard.call(LookupRequest(dirId: .root, name: "a".bytes)).targetId
    }

    @Test func theSecondOfTwoIsRefusedAndLeavesEverythingAsItWas() throws {
        let (first, second, third) = (try shard.construct(), try shard.construct(), try shard.construct())
        try shard.call(request(first, over: .null))
        try shard.expect(.mismatchingTarget, request(second, over: .null))
        #expect(try target() == first.id)
        try shard.call(request(second, over: first.id))
        try shard.expect(.mismatchingTarget, request(third, over: first.id))
        #expect(try target() == second.id)
        // Refused, not lost: with the right expectation it gets the name.
        try shard.call(request(third, over: second.id))
        #expect(try target() == third.id)
    }

    @Test func aNameThatIsGoneIsAnotherOne() throws {
        let (first, second) = (try shard.construct(), try shard.construct())
        let made = try shard.call(request(first, over: .null)).creationTime
        try shard.call(
            SoftUnlinkFileRequest(ownerId: .root, fileId: first.id, name: "a".bytes, creationTime: made))
        try shard.expect(.mismatchingTarget, request(second, over: first.id))
        try shard.call(request(second, over: .null))
        #expect(try target() == second.id)
    }

    @Test func aCopyIsAnsweredTheSame() throws {
        let file = try shard.construct()
        let time = try shard.call(request(file, over: .null)).creationTime
        #expect(try shard.call(request(file, over: .null)).creationTime == time)
    }

    @Test func whatLinkFileRefusesIsRefused() throws {
        let (file, other) = (try shard.construct(), try shard.construct())
        try shard.expect(.badCookie, request(ShardFixture.OpenFile(id: file.id, cookie: other.cookie), over: .null))
        try shard.expect(.badName, request(file, over: .null, "a/b"))
        shard.now = Timestamp(nanoseconds: shard.now.nanoseconds + 24 * 3600 * ShardFixture.second)
        try shard.expect(.fileNotFound, request(file, over: .null))
    }
}
