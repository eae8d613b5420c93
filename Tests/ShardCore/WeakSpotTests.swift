import Protocol
import ShardCore
import Store
import Testing

/// The weak spots of the reference that a shard core can have (metadata.md F.1), each under its number. Elsewhere: F-1,
/// F-17, F-18, F-19 have suites of their own; F-4, F-5 are the coordinator's, F-11 the service's, F-16 the client's;
/// F-2 is the log's.
@Suite("Weak spots")
struct WeakSpotTests {
    @Test("F-3: nothing that a request asks for stops a replica, checked or not")
    func poison() throws {
        let shard = try ShardFixture()
        let file = try shard.construct()
        for stripes in [0, 16, 255] as [UInt8] {
            var request = shard.newSpan(file)
            request.stripes = stripes
            try shard.expect(.badSpanBody, request)
        }
        let linked = try shard.makeFile("foo")
        let swapBlocks = SwapBlocksRequest(
            fileId1: linked.id, byteOffset1: 0, blockId1: BlockID(rawValue: 1), fileId2: linked.id, byteOffset2: 0,
            blockId2: BlockID(rawValue: 1))
        let swapSpans = SwapSpansRequest(
            fileId1: linked.id, byteOffset1: 0, blocks1: [], fileId2: linked.id, byteOffset2: 0, blocks2: [])
        let addLocation = AddSpanLocationRequest(
            fileId1: linked.id, byteOffset1: 0, blocks1: [], fileId2: linked.id, byteOffset2: 0)
        try shard.expect(.malformedRequest, swapBlocks)
        try shard.expect(.malformedRequest, swapSpans)
        try shard.expect(.malformedRequest, addLocation)
        let missing = InodeID(type: .directory, shard: shard.shard, index: 99)
        let unlink = SameShardHardFileUnlinkRequest(
            ownerId: missing, targetId: linked.id, name: "foo".bytes, creationTime: linked.time)
        try shard.expect(.directoryNotFound, unlink)
        // The same in a log, as a leader without these checks might have left it.
        for request in [.swapSpans(swapSpans), .addSpanLocation(addLocation), unlink.erased] as [AnyShardRequest] {
            let reply = try shard.apply(unchecked(.request(request), shard))
            #expect(reply.isRefusal, "\(request) was carried out")
        }
        #expect(try shard.apply(unchecked(.swapBlocks(swapBlocks, []), shard)).isRefusal)
    }

    private func unchecked(_ action: ShardLogEntry.Action, _ shard: ShardFixture) -> ShardLogEntry {
        ShardLogEntry(time: shard.tick(), transientLifetimeNanoseconds: 1, action: action)
    }

    @Test("F-3: an entry of an unknown kind stops the replica cleanly")
    func unknownEntry() throws {
        let shard = try ShardFixture()
        var bytes = try unchecked(.request(ConstructFileRequest(type: .file, note: []).erased), shard).encoded()
        bytes[1] = 200
        let index = shard.core.appliedIndex.next
        #expect(throws: ShardStateError.unknownEntry) {
            try bytes.withUnsafeBytes { _ = try shard.core.apply(encoded: $0, at: index) }
        }
        #expect(shard.core.appliedIndex.next == index)
        try shard.makeFile("still here")
    }

    @Test("F-6: an uncertified span is last by its length, whatever its blocks hold, and never gets into a linked file")
    func uncertifiedSwap() throws {
        let shard = try ShardFixture()
        let linked = try shard.construct()
        // 8000 bytes in blocks that hold 8192.
        let blocks1 = try shard.addSpan(linked, size: 8000)
        try shard.link(linked, "linked")
        let dirty = try shard.construct()
        let avoided = blocks1.map {
            BlacklistEntry(failureDomain: $0.blockServiceFailureDomain, blockService: $0.blockServiceId)
        }
        let blocks2 = try shard.call(shard.newSpan(dirty, size: 8000, blacklist: avoided)).blocks
        try shard.expect(
            .swapBlocksMismatchingState,
            SwapBlocksRequest(
                fileId1: linked.id, byteOffset1: 0, blockId1: blocks1[0].blockId, fileId2: dirty.id, byteOffset2: 0,
                blockId2: blocks2[0].blockId))
        let swapSpans = SwapSpansRequest(
            fileId1: linked.id, byteOffset1: 0, blocks1: blocks1.map(\.blockId), fileId2: dirty.id, byteOffset2: 0,
            blocks2: blocks2.map(\.blockId))
        try shard.expect(.swapSpansNotClean, swapSpans)
        try shard.certify(dirty, at: 0, blocks2)
        try shard.call(swapSpans)
    }

    @Test("F-7: a proof counts for its own block only")
    func foreignProofs() throws {
        let shard = try ShardFixture()
        let other = try shard.construct()
        let otherBlocks = try shard.addSpan(other)
        let file = try shard.construct()
        let blocks = try shard.call(
            AddSpanInitiateWithReferenceRequest(req: shard.newSpan(file), reference: other.id)
        ).resp.blocks
        #expect(blocks.map(\.blockServiceId) == otherBlocks.map(\.blockServiceId))
        // Right service, right key, another block.
        try shard.expect(
            .badBlockProof,
            AddSpanCertifyRequest(
                fileId: file.id, cookie: file.cookie, byteOffset: 0, proofs: try shard.proofs(otherBlocks)))
        try shard.certify(file, at: 0, blocks)
    }

    @Test("F-8: the coordinator's requests touch only the edge that they mean")
    func meantEdges() throws {
        let shard = try ShardFixture()
        let foo = try shard.makeFile("foo")
        let other = InodeID(type: .file, shard: shard.shard, index: 77)
        func lock(_ target: InodeID) -> LockCurrentEdgeRequest {
            LockCurrentEdgeRequest(dirId: .root, targetId: target, creationTime: foo.time, name: "foo".bytes)
        }
        try shard.expect(.mismatchingTarget, lock(other))
        try shard.call(lock(foo.id))
        for wasMoved in [false, true] {
            try shard.expect(
                .mismatchingTarget,
                UnlockCurrentEdgeRequest(
                    dirId: .root, name: "foo".bytes, creationTime: foo.time, targetId: other, wasMoved: wasMoved))
        }
        try shard.call(
            UnlockCurrentEdgeRequest(
                dirId: .root, name: "foo".bytes, creationTime: foo.time, targetId: foo.id, wasMoved: false))
        try shard.unlink("foo", foo)
        func remove(_ target: InodeID) -> RemoveOwnedSnapshotFileEdgeRequest {
            RemoveOwnedSnapshotFileEdgeRequest(
                ownerId: .root, targetId: target, name: "foo".bytes, creationTime: foo.time)
        }
        try shard.expect(.mismatchingTarget, remove(other))
        try shard.call(
            SameDirectoryRenameSnapshotRequest(
                targetId: foo.id, dirId: .root, oldName: "foo".bytes, oldCreationTime: foo.time, newName: "foo".bytes))
        // What was undeleted stays, and its history, too.
        try shard.expect(.edgeNotOwned, remove(foo.id))
        #expect(try shard.edges().count == 3)
        try shard.call(
            RemoveNonOwnedEdgeRequest(
                dirId: .root, targetId: foo.id, name: "foo".bytes, creationTime: foo.time))
        try shard.call(remove(foo.id))
        #expect(try shard.lookup("foo").targetId == foo.id)
    }

    @Test("F-9: what a replica knows besides the log changes nothing: no block services, another lifetime, its own key")
    func replicas() throws {
        let shard = try ShardFixture()
        let file = try shard.construct()
        let blocks = try shard.addSpan(file)
        #expect(blocks.count == 3)
        let store = MemoryStore()
        let replica = try ShardCore(store: store, shard: shard.shard, transientLifetimeNanoseconds: 5)
        for (index, entry) in shard.log.enumerated() {
            _ = try entry.withUnsafeBytes { try replica.apply(encoded: $0, at: LogIndex(rawValue: UInt64(index + 1))) }
        }
        #expect(store.contents == shard.store.contents)
        // The replica takes over: the file is still open with the cookie that its writer has.
        let link = LinkFileRequest(fileId: file.id, cookie: file.cookie, ownerId: .root, name: "foo".bytes)
        let entry = try replica.prepare(link.erased, at: shard.tick())
        #expect(try !replica.apply(entry, at: replica.appliedIndex.next).isRefusal)
    }

    @Test("F-10: a clock that stands still or goes back does not show")
    func clockGoesBack() throws {
        let shard = try ShardFixture()
        let first = try shard.makeFile("one").time
        shard.now = Timestamp(nanoseconds: 5)
        let second = try shard.makeFile("two").time
        #expect(second > first)
        try shard.restart()
        #expect(try shard.makeFile("three").time > second)
    }

    @Test("F-12: LINK_FILE refuses what is no name")
    func linkedNames() throws {
        let shard = try ShardFixture()
        let file = try shard.construct()
        for name in ["", ".", "..", "a/b", "/", "a\0"] {
            try shard.expect(
                .badName,
                LinkFileRequest(fileId: file.id, cookie: file.cookie, ownerId: .root, name: name.bytes))
        }
        try shard.link(file, "...")
        #expect(try shard.edges().map(\.name) == ["...".bytes])
    }

    @Test("F-13: a page of one name's history ends where it is full, and a disk's files come many at a time")
    func pages() throws {
        let shard = try ShardFixture(checksInvariants: false)
        let name = String(repeating: "n", count: 250)
        for _ in 0..<12 { try shard.makeFile(name) }
        var request = FullReadDirRequest(
            dirId: .root, flags: .sameName, startName: name.bytes, startTime: .zero, limit: 0, mtu: 0)
        var pages: [[Edge]] = []
        repeat {
            let page = try shard.call(request)
            pages.append(page.results)
            request.flags = page.next.current ? [.sameName, .current] : .sameName
            request.startName = page.next.startName
            request.startTime = page.next.startTime
        } while !request.startName.isEmpty && pages.count < 20
        #expect(pages.count > 2)
        #expect(pages.dropLast().allSatisfy { $0.allSatisfy { !$0.current } })
        #expect(pages.flatMap(\.self) == (try shard.edges()))
        request.flags = .sameName
        request.startName = name.bytes
        request.limit = 3
        #expect(try shard.call(request).results == Array(pages.flatMap(\.self).prefix(3)))

        var files: Set<InodeID> = []
        var services: Set<BlockServiceID> = []
        for _ in 0..<40 {
            let file = try shard.construct()
            let reference = files.first ?? file.id
            let request = AddSpanInitiateWithReferenceRequest(req: shard.newSpan(file), reference: reference)
            services.formUnion(try shard.call(request).resp.blocks.map(\.blockServiceId))
            files.insert(file.id)
        }
        for service in services {
            let page = try shard.call(BlockServiceFilesRequest(blockServiceId: service, startFrom: .null))
            #expect(Set(page.fileIds) == files)
        }
    }

    @Test("F-14: the spans of symbolic links can be read, those of directories are a matter of type")
    func spansOfEverything() throws {
        let shard = try ShardFixture()
        let link = try shard.construct(.symlink)
        try shard.addInline(link, at: 0, "target".bytes)
        try shard.link(link, "link")
        let full = try shard.call(FileSpansRequest(fileId: link.id, byteOffset: 0, limit: 0, mtu: 0))
        #expect(full.spans.map(\.header.size) == [6])
        #expect(
            try shard.call(LocalFileSpansRequest(fileId: link.id, byteOffset: 0, limit: 0, mtu: 0)).spans.count == 1)
        try shard.expect(.typeIsDirectory, LocalFileSpansRequest(fileId: .root, byteOffset: 0, limit: 0, mtu: 0))
        try shard.expect(.typeIsDirectory, FileSpansRequest(fileId: .root, byteOffset: 0, limit: 0, mtu: 0))
    }

    @Test("F-15: an inline span that would lose its bytes, or has some that it should not, is refused")
    func emptyInlineSpans() throws {
        let shard = try ShardFixture()
        let file = try shard.construct()
        try shard.expect(.badSpanBody, shard.inlineSpan(file, at: 0, [], size: 100))
        var full = shard.inlineSpan(file, at: 0, "x".bytes)
        full.storageClass = .empty
        try shard.expect(.badSpanBody, full)
        full.size = 0
        try shard.expect(.badSpanBody, full)
        #expect(try shard.call(StatTransientFileRequest(id: file.id)).size == 0)
    }
}

extension ShardReply {
    fileprivate var isRefusal: Bool {
        if case .refused = self { return true }
        return false
    }
}
