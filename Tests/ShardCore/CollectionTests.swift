import Protocol
import ShardCore
import TestShards
import Testing

/// What the garbage collector asks: metadata.md B.7, B.13 and G.2 15, 16.
@Suite("Collecting what is not needed any more")
struct CollectionTests {
    @Test("G.2 15: taking a file apart")
    func destruct() throws {
        let shard = try ShardFixture()
        let file = try shard.construct()
        try shard.addSpan(file)
        try shard.addInline(file, at: 8192, "x".bytes, size: 4096)
        _ = try shard.call(shard.newSpan(file, at: 12288, salt: 3))
        try shard.expect(.deadlineNotPassed, RemoveInodeRequest(id: file.id))
        // Nor is anything taken from a file whose writer moved the deadline after a collector saw it.
        let begin = RemoveSpanInitiateRequest(fileId: file.id, cookie: file.cookie)
        try shard.expect(.deadlineNotPassed, begin)
        shard.tick(seconds: 2 * 3600)
        try shard.expect(.fileNotEmpty, RemoveInodeRequest(id: file.id))
        let dirty = try shard.call(begin)
        #expect(dirty.byteOffset == 12288)
        #expect(try shard.call(begin) == dirty)
        #expect(!dirty.blocks.contains { $0.blockServiceFailureDomain == .none })
        #expect(try shard.removeLastSpan(file) == 12288)
        #expect(try shard.removeLastSpan(file) == 8192)
        #expect(try shard.removeLastSpan(file) == 0)
        try shard.expect(.fileEmpty, begin)
        for index in 0..<32 {
            let request = BlockServiceFilesRequest(blockServiceId: TestDisks.id(index), startFrom: .null)
            #expect(try shard.call(request).fileIds.isEmpty)
        }
        try shard.call(RemoveInodeRequest(id: file.id))
        try shard.call(RemoveInodeRequest(id: file.id))
        try shard.expect(.fileNotFound, begin)
    }

    @Test("erase proofs")
    func eraseProofs() throws {
        let shard = try ShardFixture()
        let file = try shard.construct()
        try shard.addInline(file, at: 0, "x".bytes, size: 4096)
        let blocks = try shard.addSpan(file, at: 4096)
        func request(_ proofs: [BlockProof], at byteOffset: UInt64 = 4096) -> RemoveSpanCertifyRequest {
            RemoveSpanCertifyRequest(fileId: file.id, cookie: file.cookie, byteOffset: byteOffset, proofs: proofs)
        }
        let good = try blocks.map { try ShardDisks.proof($0.blockServiceId, $0.blockId, erase: true) }
        try shard.expect(.spanNotFound, request(good))
        try shard.expect(.cannotCertifyBlocklessSpan, request(good, at: 0))
        shard.tick(seconds: 2 * 3600)
        _ = try shard.call(RemoveSpanInitiateRequest(fileId: file.id, cookie: file.cookie))
        // The file is doomed now, whatever its writer thinks.
        try shard.expect(
            .fileNotFound,
            AddSpanCertifyRequest(
                fileId: file.id, cookie: file.cookie, byteOffset: 4096, proofs: try shard.proofs(blocks)))
        try shard.expect(
            .fileNotFound,
            LinkFileRequest(fileId: file.id, cookie: file.cookie, ownerId: .root, name: "foo".bytes))
        try shard.expect(.badNumberOfBlocksProofs, request(Array(good.dropLast())))
        try shard.expect(.badNumberOfBlocksProofs, request(good + [good[0]]))
        try shard.expect(.badBlockProof, request(Array(good.reversed())))
        try shard.expect(.badBlockProof, request(try shard.proofs(blocks)))
        try shard.call(request(good))
        try shard.call(request(good))
        #expect(try shard.call(StatTransientFileRequest(id: file.id)).size == 4096)
    }

    @Test("G.2 16: what may be removed")
    func removeInode() throws {
        let shard = try ShardFixture()
        let foo = try shard.makeFile("foo")
        try shard.expect(.fileIsNotTransient, RemoveInodeRequest(id: foo.id))
        try shard.call(RemoveInodeRequest(id: InodeID(type: .file, shard: shard.shard, index: 1000)))
        try shard.expect(.cannotRemoveRootDirectory, RemoveInodeRequest(id: .root))
        try shard.expect(.malformedRequest, RemoveInodeRequest(id: .null))
        try shard.expect(.badShard, RemoveInodeRequest(id: InodeID(type: .file, shard: ShardID(rawValue: 4), index: 1)))
        let directory = try shard.makeDirectory("directory", index: 1)
        try shard.expect(.notAuthorised, RemoveInodeRequest(id: directory.id), isPrivileged: false)
        try shard.expect(.directoryHasOwner, RemoveInodeRequest(id: directory.id))
        let inner = try shard.makeFile("inner", in: directory.id)
        let deleted = try shard.unlink("inner", inner, in: directory.id)
        try shard.call(RemoveDirectoryOwnerRequest(dirId: directory.id, info: DirectoryInfo(entries: [])))
        try shard.expect(.directoryNotEmpty, RemoveInodeRequest(id: directory.id))
        try shard.call(
            RemoveNonOwnedEdgeRequest(dirId: directory.id, targetId: .null, name: "inner".bytes, creationTime: deleted))
        try shard.call(
            SameShardHardFileUnlinkRequest(
                ownerId: directory.id, targetId: inner.id, name: "inner".bytes, creationTime: inner.time))
        // Its own name, as the coordinator moves it away.
        try shard.call(
            UnlockCurrentEdgeRequest(
                dirId: .root, name: "directory".bytes, creationTime: directory.time, targetId: directory.id,
                wasMoved: true))
        try shard.call(RemoveInodeRequest(id: directory.id))
        try shard.call(RemoveInodeRequest(id: directory.id))
        try shard.expect(.directoryNotFound, StatDirectoryRequest(id: directory.id))
    }

    @Test("hard unlink: the edge goes, the file may be collected")
    func hardUnlink() throws {
        let shard = try ShardFixture()
        let foo = try shard.makeFile("foo")
        func request(target: InodeID? = nil, owner: InodeID = .root, time: Timestamp? = nil)
            -> SameShardHardFileUnlinkRequest
        {
            SameShardHardFileUnlinkRequest(
                ownerId: owner, targetId: target ?? foo.id, name: "foo".bytes, creationTime: time ?? foo.time)
        }
        try shard.expect(.typeIsNotDirectory, request(owner: foo.id))
        try shard.expect(.typeIsDirectory, request(target: .root))
        let missing = InodeID(type: .directory, shard: shard.shard, index: 50)
        try shard.expect(.directoryNotFound, request(owner: missing))
        // The edge is still current.
        try shard.expect(.edgeNotFound, request())
        let deleted = try shard.unlink("foo", foo)
        try shard.expect(.edgeNotFound, request(time: deleted))
        let other = try shard.makeFile("other")
        try shard.expect(.mismatchingTarget, request(target: other.id))
        try shard.call(request())
        try shard.call(request())
        let transient = try shard.call(VisitTransientFilesRequest(beginId: .null, mtu: 0)).files
        #expect(transient.map(\.id) == [foo.id])
        #expect(try shard.call(StatTransientFileRequest(id: foo.id)).note == "foo".bytes)
        shard.tick()
        try shard.call(RemoveInodeRequest(id: foo.id))
        try shard.expect(.fileNotFound, request())
    }

    @Test("the two halves of a hard unlink across shards")
    func crossShardHardUnlink() throws {
        let shard = try ShardFixture()
        let foo = try shard.makeFile("foo")
        try shard.unlink("foo", foo)
        func request(target: InodeID? = nil, time: Timestamp? = nil) -> RemoveOwnedSnapshotFileEdgeRequest {
            RemoveOwnedSnapshotFileEdgeRequest(
                ownerId: .root, targetId: target ?? foo.id, name: "foo".bytes, creationTime: time ?? foo.time)
        }
        try shard.expect(.typeIsDirectory, request(target: .root))
        try shard.expect(.mismatchingTarget, request(target: InodeID(type: .file, shard: shard.shard, index: 99)))
        // Undeleted meanwhile: the old edge owns nothing any more and stays.
        let back = try shard.call(
            SameDirectoryRenameSnapshotRequest(
                targetId: foo.id, dirId: .root, oldName: "foo".bytes, oldCreationTime: foo.time, newName: "foo".bytes)
        ).newCreationTime
        try shard.expect(.edgeNotOwned, request())
        try shard.unlink("foo", (foo.id, back))
        // Between its two halves the file is owned by nothing, which is as it should be.
        shard.checksInvariants = false
        try shard.call(request(time: back))
        try shard.call(request(time: back))
        try shard.call(MakeFileTransientRequest(id: foo.id, note: "foo".bytes))
        try shard.call(MakeFileTransientRequest(id: foo.id, note: "foo".bytes))
        shard.tick()
        try shard.call(RemoveInodeRequest(id: foo.id))
        try shard.expect(.fileNotFound, MakeFileTransientRequest(id: foo.id, note: []))
        try shard.expect(.typeIsDirectory, MakeFileTransientRequest(id: .root, note: []))
        shard.expectInvariants()
    }

    /// A numbered request never comes a second time, so an edge that is absent is not its own doing.
    @Test("the first half by number tells an absent edge from one it removed")
    func crossShardHardUnlinkByNumber() throws {
        let shard = try ShardFixture()
        let foo = try shard.makeFile("foo")
        try shard.unlink("foo", foo)
        let remove = RemoveOwnedSnapshotFileEdgeRequest(
            ownerId: .root, targetId: foo.id, name: "foo".bytes, creationTime: foo.time)
        shard.checksInvariants = false
        for _ in 0..<2 { #expect(try shard.once(remove, 1, closed: 0) == .success(remove.erased.kind)) }
        #expect(try shard.once(remove, 2, closed: 0) == .failure(.edgeNotFound))
    }

    @Test("scrapping a file")
    func scrap() throws {
        let shard = try ShardFixture()
        let file = try shard.construct()
        let link = try shard.construct(.symlink)
        try shard.expect(.fileIsNotTransient, ScrapTransientFileRequest(id: link.id, cookie: link.cookie))
        try shard.expect(.badCookie, ScrapTransientFileRequest(id: file.id, cookie: link.cookie))
        try shard.call(ScrapTransientFileRequest(id: file.id, cookie: file.cookie))
        try shard.call(ScrapTransientFileRequest(id: file.id, cookie: file.cookie))
        shard.tick()
        try shard.call(RemoveInodeRequest(id: file.id))
        try shard.expect(.fileNotFound, ScrapTransientFileRequest(id: file.id, cookie: file.cookie))
        let nothing = RemoveZeroBlockServiceFilesRequest(
            startBlockService: BlockServiceID(rawValue: 0), startFile: .null)
        #expect(try shard.call(nothing).removed == 0)
    }
}
