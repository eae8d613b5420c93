import Protocol
import ShardCore
import Testing

/// Moving blocks and spans between files: metadata.md B.14 and G.2 17, 18.
@Suite("Moving blocks and spans")
struct MovementTests {
    private struct Pair {
        var shard: ShardFixture
        var linked: ShardFixture.OpenFile
        var scratch: ShardFixture.OpenFile
        var blocks1: [AddSpanInitiateBlockInfo]
        var blocks2: [AddSpanInitiateBlockInfo]

        /// A linked file and a scratch file with one equal span each, on different block services.
        init() throws {
            shard = try ShardFixture()
            linked = try shard.construct()
            blocks1 = try shard.addSpan(linked)
            try shard.link(linked, "linked")
            scratch = try shard.construct()
            let avoided = blocks1.map {
                BlacklistEntry(failureDomain: $0.blockServiceFailureDomain, blockService: $0.blockServiceId)
            }
            blocks2 = try shard.call(shard.newSpan(scratch, blacklist: avoided)).blocks
            try shard.certify(scratch, at: 0, blocks2)
        }

        func swap(_ index1: Int = 0, _ index2: Int = 0) -> SwapBlocksRequest {
            SwapBlocksRequest(
                fileId1: linked.id, byteOffset1: 0, blockId1: blocks1[index1].blockId, fileId2: scratch.id,
                byteOffset2: 0, blockId2: blocks2[index2].blockId)
        }

        func blocks(of file: ShardFixture.OpenFile) throws -> [BlockID] {
            let spans = try shard.call(FileSpansRequest(fileId: file.id, byteOffset: 0, limit: 0, mtu: 0)).spans
            guard case .locations(let copies) = spans.first?.body else { return [] }
            return copies.locations.flatMap(\.blocks).map(\.blockId)
        }

        func files(on block: AddSpanInitiateBlockInfo) throws -> [InodeID] {
            try shard.call(BlockServiceFilesRequest(blockServiceId: block.blockServiceId, startFrom: .null)).fileIds
        }
    }

    @Test("G.2 17: swapping blocks, twice")
    func swapBlocks() throws {
        let pair = try Pair()
        let shard = pair.shard
        try shard.call(pair.swap())
        try shard.call(pair.swap())
        #expect(try pair.blocks(of: pair.linked).first == pair.blocks2[0].blockId)
        #expect(try pair.blocks(of: pair.scratch).first == pair.blocks1[0].blockId)
        #expect(try pair.files(on: pair.blocks1[0]) == [pair.scratch.id])
        #expect(try pair.files(on: pair.blocks2[0]) == [pair.linked.id])
    }

    @Test("swapping blocks refuses in order")
    func swapBlocksErrors() throws {
        let pair = try Pair()
        let shard = pair.shard
        func refuse(_ code: ProtocolError, _ change: (inout SwapBlocksRequest) -> Void) throws {
            var request = pair.swap()
            change(&request)
            try shard.expect(code, request)
        }
        try refuse(.typeIsDirectory) { $0.fileId1 = .root }
        try refuse(.badShard) { $0.fileId2 = InodeID(type: .file, shard: ShardID(rawValue: 2), index: 1) }
        try refuse(.malformedRequest) { $0.fileId2 = $0.fileId1 }
        try refuse(.spanNotFound) { $0.byteOffset1 = 4096 }
        try refuse(.blockNotFound) { $0.blockId1 = BlockID(rawValue: 1) }
        try refuse(.swapBlocksMismatchingCrc) { $0.blockId2 = pair.blocks2[1].blockId }
        let inline = try shard.construct()
        try shard.addInline(inline, at: 0, "x".bytes)
        try refuse(.swapBlocksInlineStorage) { $0.fileId2 = inline.id }
        let dirty = try shard.construct()
        let dirtyBlocks = try shard.call(shard.newSpan(dirty)).blocks
        try refuse(.swapBlocksMismatchingState) { ($0.fileId2, $0.blockId2) = (dirty.id, dirtyBlocks[0].blockId) }
        let large = try shard.construct()
        let largeBlocks = try shard.call(shard.newSpan(large, size: 16384, cellSize: 8192)).blocks
        try shard.certify(large, at: 0, largeBlocks)
        try refuse(.swapBlocksMismatchingSize) { ($0.fileId2, $0.blockId2) = (large.id, largeBlocks[0].blockId) }
    }

    @Test("G.2 18: swaps that would put two blocks on one disk or in one failure domain")
    func swapBlocksConflicts() throws {
        let shard = try ShardFixture(domains: 3)
        let linked = try shard.construct()
        let mirror = Parity(data: 1, parity: 2)
        func span(_ file: ShardFixture.OpenFile, _ storageClass: StorageClass) -> AddSpanInitiateRequest {
            var request = shard.newSpan(file, size: 4096, parity: mirror)
            request.storageClass = storageClass
            return request
        }
        let blocks1 = try shard.call(span(linked, .flash)).blocks
        try shard.certify(linked, at: 0, blocks1)
        try shard.link(linked, "linked")
        let same = try shard.construct()
        let sameBlocks = try shard.call(
            AddSpanInitiateWithReferenceRequest(req: span(same, .flash), reference: linked.id)
        ).resp.blocks
        try shard.certify(same, at: 0, sameBlocks)
        #expect(sameBlocks.map(\.blockServiceId) == blocks1.map(\.blockServiceId))
        try shard.expect(
            .swapBlocksDuplicateBlockService,
            SwapBlocksRequest(
                fileId1: linked.id, byteOffset1: 0, blockId1: blocks1[0].blockId, fileId2: same.id, byteOffset2: 0,
                blockId2: sameBlocks[1].blockId))
        // The hard disk in the failure domain of another block of the span.
        let disk = try shard.construct()
        let diskBlocks = try shard.call(span(disk, .hdd)).blocks
        try shard.certify(disk, at: 0, diskBlocks)
        func swap(into domain: FailureDomain) throws -> SwapBlocksRequest {
            let block = try #require(diskBlocks.first { $0.blockServiceFailureDomain == domain })
            return SwapBlocksRequest(
                fileId1: linked.id, byteOffset1: 0, blockId1: blocks1[0].blockId, fileId2: disk.id, byteOffset2: 0,
                blockId2: block.blockId)
        }
        try shard.expect(.swapBlocksDuplicateFailureDomain, try swap(into: blocks1[1].blockServiceFailureDomain))
        // A shard that has just started has not heard yet where block services are.
        let known = shard.core.blockServices
        shard.core.blockServices = BlockServiceTable()
        for block in blocks1.prefix(2) {
            try shard.expect(.couldNotPickBlockServices, try swap(into: block.blockServiceFailureDomain))
        }
        shard.core.blockServices = known
        try shard.call(try swap(into: blocks1[0].blockServiceFailureDomain))
    }

    @Test("swapping spans")
    func swapSpans() throws {
        let pair = try Pair()
        let shard = pair.shard
        let request = SwapSpansRequest(
            fileId1: pair.linked.id, byteOffset1: 0, blocks1: pair.blocks1.map(\.blockId), fileId2: pair.scratch.id,
            byteOffset2: 0, blocks2: pair.blocks2.map(\.blockId))
        var wrong = request
        wrong.blocks1.reverse()
        try shard.expect(.swapSpansMismatchingBlocks, wrong)
        wrong = request
        wrong.fileId2 = wrong.fileId1
        try shard.expect(.malformedRequest, wrong)
        wrong = request
        wrong.byteOffset2 = 4096
        try shard.expect(.spanNotFound, wrong)
        let other = try shard.construct()
        try shard.addSpan(other, salt: 9)
        wrong = request
        wrong.fileId2 = other.id
        try shard.expect(.swapSpansMismatchingCrc, wrong)
        let short = try shard.construct()
        try shard.addSpan(short, size: 8000)
        wrong.fileId2 = short.id
        try shard.expect(.swapSpansMismatchingSize, wrong)
        let dirty = try shard.construct()
        _ = try shard.call(shard.newSpan(dirty))
        wrong.fileId2 = dirty.id
        try shard.expect(.swapSpansNotClean, wrong)
        let inline = try shard.construct()
        try shard.addInline(inline, at: 0, "x".bytes)
        wrong.fileId2 = inline.id
        try shard.expect(.swapSpansInlineStorage, wrong)
        try shard.call(request)
        try shard.call(request)
        #expect(try pair.blocks(of: pair.linked) == pair.blocks2.map(\.blockId))
        #expect(try pair.files(on: pair.blocks1[0]).contains(pair.scratch.id))
        #expect(try !pair.files(on: pair.blocks1[0]).contains(pair.linked.id))
    }

    @Test("adding a location to a span")
    func addLocation() throws {
        let pair = try Pair()
        let shard = pair.shard
        let there = LocationID(rawValue: 4)
        var table = shard.core.blockServices
        table.assigned = table.assigned.map { service in
            var service = service
            service.locationId = there
            return service
        }
        shard.core.blockServices = table
        let copy = try shard.construct()
        let blocks = try shard.call(
            AddSpanAtLocationInitiateRequest(
                locationId: there, req: AddSpanInitiateWithReferenceRequest(req: shard.newSpan(copy), reference: .null))
        ).resp.blocks
        let request = AddSpanLocationRequest(
            fileId1: copy.id, byteOffset1: 0, blocks1: blocks.map(\.blockId), fileId2: pair.linked.id, byteOffset2: 0)
        try shard.expect(.lastSpanStateNotClean, request)
        try shard.certify(copy, at: 0, blocks)
        func refuse(_ code: ProtocolError, _ change: (inout AddSpanLocationRequest) -> Void) throws {
            var wrong = request
            change(&wrong)
            try shard.expect(code, wrong)
        }
        try refuse(.malformedRequest) { $0.fileId2 = $0.fileId1 }
        try refuse(.fileNotFound) { $0.fileId2 = pair.scratch.id }
        try refuse(.fileNotFound) { $0.fileId1 = InodeID(type: .file, shard: shard.shard, index: 500) }
        try refuse(.spanNotFound) { $0.byteOffset2 = 4096 }
        try refuse(.spanNotFound) { $0.byteOffset1 = 4096 }
        try refuse(.swapSpansMismatchingBlocks) { $0.blocks1 = [] }
        try refuse(.addSpanLocationExists) { ($0.fileId1, $0.blocks1) = (pair.scratch.id, pair.blocks2.map(\.blockId)) }
        try shard.call(request)
        try shard.call(request)
        #expect(try pair.blocks(of: pair.linked) == (pair.blocks1 + blocks).map(\.blockId))
        #expect(try shard.call(StatTransientFileRequest(id: copy.id)).size == 0)
        // Both copies are erased together.
        let linkedTime = try shard.lookup("linked").creationTime
        try shard.unlink("linked", (pair.linked.id, linkedTime))
        try shard.call(
            SameShardHardFileUnlinkRequest(
                ownerId: .root, targetId: pair.linked.id, name: "linked".bytes, creationTime: linkedTime))
        #expect(try shard.removeLastSpan(pair.linked) == 0)
        shard.tick()
        try shard.call(RemoveInodeRequest(id: pair.linked.id))
    }
}
