import Protocol
import ShardCore
import Testing

/// Files that are made ahead, several by one request.
@Suite struct ConstructFilesTests: VectorTests {
    private let shard: ShardFixture

    init() throws { shard = try ShardFixture() }

    private func request(_ count: UInt8, _ type: InodeType = .file) -> ConstructFilesRequest {
        ConstructFilesRequest(type: type, note: [7], count: count)
    }

    @Test func eachIsAFileOfItsOwn() throws {
        let made = try shard.call(request(64)).files
        #expect(made.count == 64 && Set(made.map(\.id)).count == 64)
        for (index, file) in made.enumerated() {
            let open = ShardFixture.OpenFile(id: file.id, cookie: file.cookie)
            _ = try shard.link(open, "file \(index)")
        }
        #expect(try shard.construct().id != made[63].id)
    }

    @Test func theyExpireAsOthersDo() throws {
        let made = try shard.call(request(2)).files
        let listed = try shard.call(VisitTransientFilesRequest(beginId: .null, mtu: 0)).files
        #expect(listed.map(\.id) == made.map(\.id))
        #expect(Set(listed.map(\.deadlineTime)).count == 1)
        shard.now = Timestamp(nanoseconds: shard.now.nanoseconds + 2 * ShardFixture.lifetime)
        let late = ShardFixture.OpenFile(id: made[1].id, cookie: made[1].cookie)
        #expect(throws: (any Error).self) { _ = try shard.link(late, "late") }
    }

    @Test func whatCannotBeMadeIsRefused() throws {
        for count: UInt8 in [0, 65, 255] { try shard.expect(.malformedRequest, request(count)) }
        try shard.expect(.typeIsDirectory, request(2, .directory))
        #expect(try shard.call(VisitTransientFilesRequest(beginId: .null, mtu: 0)).files.isEmpty)
    }

    /// So that no later version of this code reads them in another way.
    @Test func bytes() throws {
        let file = InodeID(type: .file, shard: ShardID(rawValue: 3), index: 0x0102)
        try expect(ConstructFilesRequest(type: .file, note: [9, 8], count: 64), "02" + "020908" + "40")
        try expect(
            ConstructFilesResponse(files: [ConstructFileResponse(id: file, cookie: Cookie(rawValue: 5))]),
            "0100" + "0302010000000040" + "0500000000000000")
        #expect(ConstructFilesRequest.kind.rawValue == 0x4B)
        #expect(ProtocolExtension.constructFiles.rawValue == 18)
    }
}
