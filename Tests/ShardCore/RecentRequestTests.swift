import Protocol
import ShardCore
import Store
import Testing

/// F-1 for requests that come without a number: recognised by id and contents, for a while.
@Suite("F-1: requests without a number")
struct RecentRequestTests {
    private static func mtime(_ seconds: UInt64) -> UInt64 { 1 << 63 | seconds * 1_000_000_000 }

    @Test("F-1: a late SET_TIME does not turn a newer one back")
    func setTime() throws {
        let shard = try ShardFixture()
        let file = try shard.makeFile("foo")
        let old = AnyShardRequest.setTime(SetTimeRequest(id: file.id, mtime: Self.mtime(1), atime: 0))
        let new = AnyShardRequest.setTime(SetTimeRequest(id: file.id, mtime: Self.mtime(2), atime: 0))
        func seconds() throws -> UInt64 {
            try shard.call(StatFileRequest(id: file.id)).mtime.nanoseconds / 1_000_000_000
        }
        _ = try shard.reply(old, isPrivileged: false, requestID: 1).get()
        _ = try shard.reply(new, isPrivileged: false, requestID: 2).get()
        _ = try shard.reply(old, isPrivileged: false, requestID: 1).get()
        #expect(try seconds() == 2)
        // Another request that says the same, and another one with an id that was used before.
        _ = try shard.reply(old, isPrivileged: false, requestID: 3).get()
        #expect(try seconds() == 1)
        _ = try shard.reply(new, isPrivileged: false, requestID: 1).get()
        #expect(try seconds() == 2)
        try shard.restart()
        _ = try shard.reply(old, isPrivileged: false, requestID: 3).get()
        #expect(try seconds() == 2)
    }

    @Test("F-1: a late SET_DIRECTORY_INFO does not turn a newer one back; a refused one may be tried again")
    func setInfo() throws {
        let shard = try ShardFixture()
        let directory = InodeID(type: .directory, shard: shard.shard, index: 1)
        let snapshot = DirectoryInfoEntry(tag: .snapshot, body: try SnapshotPolicy.thirtyDays.encoded())
        let full = AnyShardRequest.setDirectoryInfo(
            SetDirectoryInfoRequest(id: directory, info: DirectoryInfo(entries: [snapshot])))
        let empty = AnyShardRequest.setDirectoryInfo(
            SetDirectoryInfoRequest(id: directory, info: DirectoryInfo(entries: [])))
        #expect(try shard.reply(full, requestID: 1).failure == .directoryNotFound)
        try shard.makeDirectory("directory", index: 1)
        _ = try shard.reply(full, requestID: 1).get()
        _ = try shard.reply(empty, requestID: 2).get()
        _ = try shard.reply(full, requestID: 1).get()
        #expect(try shard.call(StatDirectoryRequest(id: directory)).info.entries.isEmpty)
    }

    @Test("F-1: a late SWAP_BLOCKS does not swap back what was swapped again")
    func swapBlocks() throws {
        let shard = try ShardFixture(domains: 64)
        let files = [try shard.construct(), try shard.construct()]
        let blocks = try files.map { try shard.addSpan($0)[0].blockId }
        func swap(_ first: Int, _ second: Int) -> AnyShardRequest {
            .swapBlocks(
                SwapBlocksRequest(
                    fileId1: files[0].id, byteOffset1: 0, blockId1: blocks[first], fileId2: files[1].id, byteOffset2: 0,
                    blockId2: blocks[second]))
        }
        func expectSame(_ request: AnyShardRequest, _ requestID: UInt64) throws {
            let before = shard.namespace
            _ = try shard.reply(request, requestID: requestID).get()
            let isUnchanged = shard.namespace == before
            #expect(isUnchanged)
        }
        _ = try shard.reply(swap(0, 1), requestID: 1).get()
        _ = try shard.reply(swap(1, 0), requestID: 2).get()
        try expectSame(swap(0, 1), 1)
        try expectSame(swap(1, 0), 2)
    }

    @Test("F-1: no more is remembered than allowed, and nothing for ever")
    func bounds() throws {
        let shard = try ShardFixture(checksInvariants: false)
        let file = try shard.makeFile("foo")
        var now = shard.now
        func set(_ requestID: UInt64) throws {
            let request = SetTimeRequest(id: file.id, mtime: Self.mtime(requestID), atime: 0)
            let entry = try shard.core.prepare(.setTime(request), requestID: requestID, at: now)
            _ = try shard.core.apply(entry, at: shard.core.appliedIndex.next)
        }
        func remembered() -> Int { shard.namespace.count { $0.count == 18 && $0[1] == 9 } }
        for requestID in 0..<65_600 as Range<UInt64> { try set(requestID) }
        #expect(remembered() == 65_536)
        #expect(try shard.core.invariantViolations() == [])
        now = Timestamp(nanoseconds: now.nanoseconds + 601_000_000_000)
        for requestID in 70_000..<90_000 as Range<UInt64> { try set(requestID) }
        #expect(remembered() == 20_000)
        #expect(try shard.core.invariantViolations() == [])
    }
}
