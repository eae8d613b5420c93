import Erasure
import Protocol
import ShardCore
import Store
import Testing

/// REFER_SPANS: files that refer to spans instead of copying them.
@Suite("Shared spans")
struct SharedSpanTests {
    /// A linked file of three spans in blocks and an inline one, 3 × 8192 + 5 bytes.
    private struct Scene {
        let shard: ShardFixture
        let source: ShardFixture.OpenFile
        let linked: Timestamp
        let blocks: [AddSpanInitiateBlockInfo]
        static let size: UInt64 = 3 * 8192 + 5

        init() throws {
            shard = try ShardFixture()
            source = try shard.construct()
            var blocks: [AddSpanInitiateBlockInfo] = []
            for index in 0..<3 {
                blocks += try shard.addSpan(source, at: UInt64(index) * 8192, salt: UInt32(index + 1))
            }
            try shard.addInline(source, at: 3 * 8192, "tail!".bytes)
            self.blocks = blocks
            linked = try shard.link(source, "source")
        }
    }

    @Test("a file that refers to another one shows the same; the other one does not change")
    func refer() throws {
        let scene = try Scene()
        let shard = scene.shard
        let before = try shard.seen(scene.source.id)
        let status = try shard.call(StatFileRequest(id: scene.source.id))
        let copy = try shard.copy(of: scene.source.id, size: Scene.size)
        #expect(try shard.seen(scene.source.id) == before)
        #expect(try shard.seen(copy.id) == before)
        #expect(try shard.call(StatFileRequest(id: scene.source.id)) == status)
        try shard.link(copy, "copy")
        #expect(try shard.call(StatFileRequest(id: copy.id)).size == Scene.size)
        // The blocks are those of a file without a name, which tools find as any other.
        let references = try shard.references(of: copy.id)
        let body = try #require(references.references.first?.bodyId)
        #expect(
            references.references == [FileReference(byteOffset: 0, length: 3 * 8192, bodyId: body, bodyOffset: 0)])
        #expect(try shard.references(of: scene.source.id) == references)
        #expect(!references.isBody)
        #expect(try shard.references(of: body).isBody)
        #expect(try shard.visitFiles() == [scene.source.id, copy.id, body])
        #expect(try shard.call(StatFileRequest(id: body)).size == 3 * 8192)
        #expect(try shard.seen(body) == Array(before.prefix(3)))
        for block in scene.blocks { #expect(try shard.files(on: block.blockServiceId) == [body]) }
    }

    @Test("a block is erased when the last file that refers to it goes, whichever that is", arguments: [false, true])
    func removal(sourceFirst: Bool) throws {
        let scene = try Scene()
        let shard = scene.shard
        let copy = try shard.copy(of: scene.source.id, size: Scene.size)
        let copied = try shard.link(copy, "copy")
        let seen = try shard.seen(copy.id)
        let files = [(scene.source, "source", scene.linked), (copy, "copy", copied)]
        let (first, second) = sourceFirst ? (files[0], files[1]) : (files[1], files[0])
        try shard.destroy(first.0.id, named: first.1, linkedAt: first.2)
        for _ in 0..<2 {
            let removal = try shard.call(RemoveSpanInitiateRequest(fileId: first.0.id, cookie: first.0.cookie))
            #expect(removal.blocks.isEmpty)
        }
        try shard.expect(.fileEmpty, RemoveSpanInitiateRequest(fileId: first.0.id, cookie: first.0.cookie))
        try shard.call(RemoveInodeRequest(id: first.0.id))
        #expect(try shard.seen(second.0.id) == seen)
        try shard.destroy(second.0.id, named: second.1, linkedAt: second.2)
        #expect(try shard.removeLastSpan(second.0) == 3 * 8192)
        var erased: [BlockID] = []
        for byteOffset in [16384, 8192, 0] as [UInt64] {
            let removal = try shard.call(RemoveSpanInitiateRequest(fileId: second.0.id, cookie: second.0.cookie))
            #expect(removal.byteOffset == byteOffset)
            erased += removal.blocks.map(\.blockId)
            try shard.removeLastSpan(second.0)
        }
        #expect(Set(erased) == Set(scene.blocks.map(\.blockId)) && erased.count == scene.blocks.count)
        try shard.call(RemoveInodeRequest(id: second.0.id))
        #expect(try shard.visitFiles().isEmpty)
        for block in scene.blocks { #expect(try shard.files(on: block.blockServiceId).isEmpty) }
    }

    /// A file with one span of four cells, the last not full.
    private func cuttable(_ shard: ShardFixture) throws -> (ShardFixture.OpenFile, AddSpanInitiateRequest) {
        let source = try shard.construct()
        let span = shard.newSpan(source, size: 16384 - 100, parity: Parity(data: 4, parity: 1))
        try shard.certify(source, at: 0, try shard.call(span).blocks)
        return (source, span)
    }

    @Test("the last span may be cut at a page; checksums have to prove where")
    func cut() throws {
        let shard = try ShardFixture()
        let (source, span) = try cuttable(shard)
        let copy = try shard.construct()
        func cut(_ length: UInt64, cells: Int) -> ReferSpansRequest {
            let crcs = shard.split(span, after: cells)
            return shard.reference(copy, at: 0, to: source.id, length: length, kept: crcs.kept, rest: crcs.rest)
        }
        try shard.expect(.badSpanBody, cut(8191, cells: 2))
        try shard.expect(.badSpanBody, cut(4096, cells: 2))
        try shard.expect(.badSpanBody, cut(12288, cells: 2))
        #expect(try shard.call(cut(8192, cells: 2)).size == 8192)
        let whole = try shard.seen(source.id)
        let kept = shard.split(span, after: 2).kept
        #expect(whole.map(\.size) == [16384 - 100])
        var expected = whole
        (expected[0].size, expected[0].crc) = (8192, kept)
        #expect(try shard.seen(copy.id) == expected)
        // The file goes on behind it, and can be cut once more.
        try shard.addInline(copy, at: 8192, "more".bytes)
        let again = try shard.construct()
        let first = shard.split(span, after: 1)
        let middle = span.crcs[1]
        try shard.expect(
            .badSpanBody,
            shard.reference(again, at: 0, to: copy.id, length: 4096, kept: first.kept, rest: first.rest))
        #expect(
            try shard.call(
                shard.reference(again, at: 0, to: copy.id, length: 4096, kept: first.kept, rest: middle)
            ).size == 4096)
        (expected[0].size, expected[0].crc) = (4096, first.kept)
        #expect(try shard.seen(again.id) == expected)
        // All of a cut span is its visible part.
        let third = try shard.copy(of: again.id, size: 4096)
        #expect(try shard.seen(third.id) == expected)
        // Its blocks go with the last of them, whole.
        for file in [source, copy, again] {
            try shard.call(ScrapTransientFileRequest(id: file.id, cookie: file.cookie))
            shard.tick()
            while (try? shard.removeLastSpan(file)) != nil {}
            try shard.call(RemoveInodeRequest(id: file.id))
        }
        #expect(try shard.seen(third.id) == expected)
        try shard.call(ScrapTransientFileRequest(id: third.id, cookie: third.cookie))
        shard.tick()
        let removal = try shard.call(RemoveSpanInitiateRequest(fileId: third.id, cookie: third.cookie))
        #expect(removal.blocks.map(\.blockId) == whole[0].blocks)
        #expect(try shard.call(StatTransientFileRequest(id: third.id)).size == 16384 - 100)
        try shard.removeLastSpan(third)
        try shard.expect(.fileEmpty, RemoveSpanInitiateRequest(fileId: third.id, cookie: third.cookie))
        #expect(try shard.visitFiles().isEmpty)
    }

    @Test("what is refused changes nothing")
    func refusals() throws {
        let scene = try Scene()
        let shard = scene.shard
        let copy = try shard.construct()
        let other = try shard.copy(of: scene.source.id, size: Scene.size)
        let body = try #require(try shard.references(of: other.id).references.first?.bodyId)
        let before = try shard.seen(scene.source.id)
        func refuse(_ code: ProtocolError, _ change: (inout ReferSpansRequest) -> Void) throws {
            var request = shard.reference(copy, at: 0, to: scene.source.id)
            change(&request)
            try shard.expect(code, request, isPrivileged: false)
        }
        try refuse(.sameSourceAndDestination) { $0.sourceId = copy.id }
        try refuse(.badCookie) { $0.cookie = other.cookie }
        try refuse(.typeIsDirectory) { $0.sourceId = .root }
        try refuse(.badShard) { $0.sourceId = InodeID(type: .file, shard: ShardID(rawValue: 2), index: 1) }
        try refuse(.fileNotFound) { $0.sourceId = InodeID(type: .file, shard: shard.shard, index: 999) }
        try refuse(.fileNotFound) { $0.sourceId = body }
        try refuse(.spanNotFound) { $0.byteOffset = 4096 }
        try refuse(.badSpanBody) { $0.byteOffset = 100 }
        try refuse(.spanNotFound) { $0.sourceOffset = 4096 }
        try refuse(.badSpanBody) { $0.sourceOffset = 5 }
        try refuse(.spanNotFound) { $0.sourceOffset = 1 << 40 }
        try refuse(.spanNotFound) { $0.length = 0 }
        try refuse(.badSpanBody) { $0.length = 4096 }
        // Inline spans go as they are.
        try refuse(.badSpanBody) { ($0.sourceOffset, $0.length) = (3 * 8192, 4) }
        let odd = try shard.copy(of: scene.source.id, size: Scene.size)
        try shard.expect(.badSpanBody, shard.reference(odd, at: Scene.size, to: scene.source.id))
        // A file that is linked or being destroyed is not written to.
        try shard.link(odd, "odd")
        try shard.expect(.fileNotFound, shard.reference(odd, at: 0, to: scene.source.id))
        #expect(try shard.seen(copy.id).isEmpty)
        #expect(try shard.seen(scene.source.id) == before)
    }

    @Test("nothing owns a body, and nobody takes it from those that refer to it")
    func bodyStays() throws {
        let scene = try Scene()
        let shard = scene.shard
        let copy = try shard.copy(of: scene.source.id, size: Scene.size)
        let body = try #require(try shard.references(of: copy.id).references.first?.bodyId)
        try shard.expect(.fileNotFound, MakeFileTransientRequest(id: body, note: []))
        try shard.expect(.fileIsNotTransient, RemoveInodeRequest(id: body))
        try shard.expect(
            .edgeNotFound,
            SameShardHardFileUnlinkRequest(ownerId: .root, targetId: body, name: "x".bytes, creationTime: .zero))
        #expect(try shard.seen(copy.id).count == 4)
    }

    @Test("spans that are not finished are not shared")
    func dirty() throws {
        let shard = try ShardFixture()
        let source = try shard.construct()
        let first = shard.newSpan(source)
        let blocks = try shard.call(first).blocks
        let copy = try shard.construct()
        try shard.expect(.lastSpanStateNotClean, shard.reference(copy, at: 0, to: source.id))
        try shard.certify(source, at: 0, blocks)
        let second = try shard.call(shard.newSpan(source, at: 8192, salt: 2)).blocks
        #expect(try shard.call(shard.reference(copy, at: 0, to: source.id)).size == 8192)
        try shard.expect(.lastSpanStateNotClean, shard.reference(copy, at: 8192, to: source.id, from: 8192))
        // Whoever writes the source goes on as if nothing were; late copies of what he said, too.
        try shard.certify(source, at: 0, blocks)
        #expect(try shard.call(shard.newSpan(source, at: 8192, salt: 2)).blocks == second)
        try shard.certify(source, at: 8192, second)
        #expect(try shard.call(shard.reference(copy, at: 8192, to: source.id, from: 8192)).size == 16384)
        try shard.certify(source, at: 8192, second)
        #expect(try shard.call(shard.newSpan(source, at: 8192, salt: 2)).blocks == second)
        // No proof of a shared span makes another one finished.
        let third = try shard.call(shard.newSpan(copy, at: 16384, salt: 3)).blocks
        try shard.certify(copy, at: 8192, second)
        try shard.expect(
            .lastSpanStateNotClean,
            LinkFileRequest(fileId: copy.id, cookie: copy.cookie, ownerId: .root, name: "copy".bytes))
        try shard.certify(copy, at: 16384, third)
        try shard.link(copy, "copy")
        #expect(try shard.seen(copy.id).map(\.blocks) == [blocks, second, third].map { $0.map(\.blockId) })
    }

    @Test("a packet that comes again gets the same answer; a new one finds the file longer")
    func repetition() throws {
        let scene = try Scene()
        let shard = scene.shard
        let copy = try shard.construct()
        let request = shard.reference(copy, at: 0, to: scene.source.id, length: 8192).erased
        let first = try shard.reply(request, isPrivileged: false, requestID: 7).get()
        #expect(try shard.reply(request, isPrivileged: false, requestID: 7).get() == first)
        #expect(try shard.reply(request, isPrivileged: false, requestID: 8).failure == .spanNotFound)
        try shard.call(shard.reference(copy, at: 8192, to: scene.source.id, from: 8192))
        #expect(try shard.reply(request, isPrivileged: false, requestID: 7).get() == first)
        #expect(try shard.seen(copy.id) == (try shard.seen(scene.source.id)))
    }

    @Test("one request goes through a bounded number of spans; bodies are bounded; what grows has few references")
    func bounds() throws {
        let shard = try ShardFixture(checksInvariants: false)
        let source = try shard.construct()
        let count = BodyLimits.spans + 10
        for index in 0..<count { try shard.addSpan(source, at: UInt64(index) * 8192) }
        let size = UInt64(count) * 8192
        let copy = try shard.construct()
        #expect(
            try shard.call(shard.reference(copy, at: 0, to: source.id)).size == UInt64(BodyLimits.movedSpans) * 8192)
        let steps = shard.log.count
        var end = UInt64(BodyLimits.movedSpans) * 8192
        while end < size { end = try shard.call(shard.reference(copy, at: end, to: source.id, from: end)).size }
        #expect(shard.log.count - steps == (count - 1) / BodyLimits.movedSpans)
        #expect(try shard.references(of: copy.id).references.map(\.length) == [1024 * 8192, 10 * 8192])
        #expect(try shard.references(of: source.id) == (try shard.references(of: copy.id)))
        #expect(try shard.seen(copy.id) == (try shard.seen(source.id)))
        #expect(try shard.seen(copy.id, mtu: 8972) == (try shard.seen(source.id)))
        // Now that all is shared, one request does.
        let third = try shard.construct()
        #expect(try shard.call(shard.reference(third, at: 0, to: source.id)).size == size)
        // A file that grows by one span with each version refers to two bodies still.
        var last = third
        for index in 0..<20 {
            let end = size + UInt64(index) * 8192
            try shard.addSpan(last, at: end)
            last = try shard.copy(of: last.id, size: end + 8192)
        }
        #expect(try shard.references(of: last.id).references.count == 2)
        shard.expectInvariants()
    }

    @Test("parts of bodies that nobody refers to any more are erased; what is around them stays")
    func holes() throws {
        let scene = try Scene()
        let shard = scene.shard
        func part(_ begin: UInt64, _ end: UInt64) throws -> ShardFixture.OpenFile {
            let file = try shard.construct()
            let request = shard.reference(file, at: 0, to: scene.source.id, from: begin, length: end - begin)
            #expect(try shard.call(request).size == end - begin)
            return file
        }
        // In this order all become one body.
        let parts = [try part(0, 8192), try part(8192, 16384), try part(16384, 24576)]
        let (middle, ends) = (parts[1], [parts[0], parts[2]])
        let body = try #require(try shard.references(of: middle.id).references.first?.bodyId)
        func scrap(_ file: ShardFixture.OpenFile) throws {
            try shard.call(ScrapTransientFileRequest(id: file.id, cookie: file.cookie))
            shard.tick()
            while (try? shard.removeLastSpan(file)) != nil {}
            try shard.call(RemoveInodeRequest(id: file.id))
        }
        let seen = try ends.map { try shard.seen($0.id) }
        try shard.destroy(scene.source.id, named: "source", linkedAt: scene.linked)
        while (try? shard.removeLastSpan(scene.source)) != nil {}
        try scrap(middle)
        #expect(try ends.map { try shard.seen($0.id) } == seen)
        #expect(try shard.seen(body).map(\.inline) == [[], [0], []])
        #expect(try shard.seen(body).map(\.size) == [8192, 8192, 8192])
        // The rest goes from the end on, and the hole with it.
        try scrap(ends[1])
        #expect(try shard.call(StatFileRequest(id: body)).size == 8192)
        try scrap(ends[0])
        try shard.expect(.fileNotFound, StatFileRequest(id: body))
    }

    @Test("a body of which fewer spans are counted than there are is damaged, as the shard says")
    func damagedBody() throws {
        let scene = try Scene()
        let shard = scene.shard
        let copy = try shard.construct()
        try shard.call(shard.reference(copy, at: 0, to: scene.source.id, length: 3 * 8192))
        let body = try #require(try shard.references(of: copy.id).references.first?.bodyId)
        try shard.destroy(scene.source.id, named: "source", linkedAt: scene.linked)
        while (try? shard.removeLastSpan(scene.source)) != nil {}
        try shard.call(ScrapTransientFileRequest(id: copy.id, cookie: copy.cookie))
        shard.tick()
        let key = shard.keyOfBody(body)
        let sound = try #require(try shard.store.get(key))
        var batch = WriteBatch()
        batch.put(key, try BodyRecord(runs: BodyRecord(decoding: sound).runs, spanCount: 0).encoded())
        try shard.store.write(batch, durable: false)
        try shard.restart()
        let removal = RemoveSpanInitiateRequest(fileId: copy.id, cookie: copy.cookie)
        #expect(throws: ShardFailure.state(.corruptRecord(key: key))) { try shard.call(removal) }
        batch.put(key, sound)
        try shard.store.write(batch, durable: false)
        try shard.restart()
        try shard.call(removal)
    }

    @Test("blocks, spans and locations of a referring file move in the body")
    func movement() throws {
        let scene = try Scene()
        let shard = scene.shard
        let copy = try shard.copy(of: scene.source.id, size: Scene.size)
        let body = try #require(try shard.references(of: copy.id).references.first?.bodyId)
        try shard.link(copy, "copy")
        let scratch = try shard.construct()
        let avoided = scene.blocks.map {
            BlacklistEntry(failureDomain: $0.blockServiceFailureDomain, blockService: $0.blockServiceId)
        }
        let fresh = try shard.call(shard.newSpan(scratch, blacklist: avoided, salt: 2)).blocks
        try shard.certify(scratch, at: 0, fresh)
        let old = scene.blocks[3..<6].map(\.blockId)
        func blocks(_ file: InodeID, _ index: Int) throws -> [BlockID] { try shard.seen(file)[index].blocks }
        // One block by one referring file,
        let swap = SwapBlocksRequest(
            fileId1: copy.id, byteOffset1: 8192, blockId1: old[0], fileId2: scratch.id, byteOffset2: 0,
            blockId2: fresh[0].blockId)
        for _ in 0..<2 { try shard.call(swap) }
        let mixed = [fresh[0].blockId, old[1], old[2]]
        for file in [copy.id, scene.source.id, body] { #expect(try blocks(file, 1) == mixed) }
        #expect(try shard.files(on: fresh[0].blockServiceId) == [body])
        #expect(try shard.files(on: scene.blocks[3].blockServiceId).contains(scratch.id))
        // the whole span by the other one.
        let rest = [old[0], fresh[1].blockId, fresh[2].blockId]
        let swapSpans = SwapSpansRequest(
            fileId1: scratch.id, byteOffset1: 0, blocks1: rest, fileId2: scene.source.id, byteOffset2: 8192,
            blocks2: mixed)
        for _ in 0..<2 { try shard.call(swapSpans) }
        for file in [copy.id, scene.source.id, body] { #expect(try blocks(file, 1) == rest) }
        // Two names of one span are one span.
        try shard.expect(
            .sameSourceAndDestination,
            SwapSpansRequest(
                fileId1: copy.id, byteOffset1: 8192, blocks1: rest, fileId2: scene.source.id, byteOffset2: 8192,
                blocks2: rest))
        try shard.expect(
            .sameSourceAndDestination,
            SwapBlocksRequest(
                fileId1: copy.id, byteOffset1: 8192, blockId1: rest[0], fileId2: body, byteOffset2: 8192,
                blockId2: rest[1]))
        // A copy in another location.
        var table = shard.core.blockServices
        let far = LocationID(rawValue: 1)
        table = BlockServiceTable(
            services: Array(table.services.values),
            assigned: table.services.values.map {
                BlockServiceInfoShort(
                    locationId: far, failureDomain: $0.failureDomain, id: $0.id, storageClass: $0.storageClass)
            })
        shard.core.blockServices = table
        let remote = try shard.construct()
        let reference = AddSpanInitiateWithReferenceRequest(
            req: shard.newSpan(remote, salt: 2), reference: .null)
        let placed = try shard.call(AddSpanAtLocationInitiateRequest(locationId: far, req: reference)).resp.blocks
        try shard.certify(remote, at: 0, placed)
        let add = AddSpanLocationRequest(
            fileId1: remote.id, byteOffset1: 0, blocks1: placed.map(\.blockId), fileId2: copy.id, byteOffset2: 8192)
        for _ in 0..<2 { try shard.call(add) }
        for file in [copy.id, scene.source.id, body] {
            #expect(try blocks(file, 1) == rest + placed.map(\.blockId))
        }
        #expect(try shard.seen(remote.id).isEmpty)
    }

    @Test("a new span keeps to the block services of a file that refers")
    func placement() throws {
        let scene = try Scene()
        let shard = scene.shard
        let copy = try shard.construct()
        try shard.call(shard.reference(copy, at: 0, to: scene.source.id, length: 3 * 8192))
        let blocks = try shard.addSpan(copy, at: 3 * 8192)
        #expect(blocks.map(\.blockServiceId) == scene.blocks.prefix(3).map(\.blockServiceId))
    }
}
