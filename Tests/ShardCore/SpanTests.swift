import Erasure
import Protocol
import ShardCore
import TestShards
import Testing

/// Contents: metadata.md A.7, B.6, B.9 and G.2 9–14, 22, 23, 26.
@Suite("Spans of files")
struct SpanTests {
    @Test("inline spans: checks in order, appending, repeating")
    func inlineSpans() throws {
        let shard = try ShardFixture()
        let file = try shard.construct()
        let good = shard.inlineSpan(file, at: 0, "hello".bytes)
        func refuse(_ code: ProtocolError, _ change: (inout AddInlineSpanRequest) -> Void) throws {
            var request = good
            change(&request)
            try shard.expect(code, request)
        }
        try refuse(.typeIsDirectory) { $0.fileId = .root }
        try refuse(.badShard) { $0.fileId = InodeID(type: .file, shard: ShardID(rawValue: 9), index: 1) }
        try refuse(.badCookie) { $0.cookie.rawValue ^= 1 }
        try refuse(.badSpanBody) { $0.storageClass = .flash }
        try refuse(.badSpanBody) { $0.storageClass = .empty }
        try refuse(.badSpanBody) { $0.size = 4 }
        try refuse(.badSpanBody) { $0.body = [] }
        try refuse(.badSpanBody) { $0.byteOffset = 1 }
        try refuse(.badSpanBody) { $0.crc.rawValue ^= 1 }
        try refuse(.spanNotFound) { $0.byteOffset = 4096 }
        try refuse(.spanNotFound) { $0.byteOffset = ~4095 }
        try shard.call(good)
        try shard.call(good)
        try refuse(.spanNotFound) { $0 = shard.inlineSpan(file, at: 0, "HELLO".bytes) }
        #expect(try shard.call(StatTransientFileRequest(id: file.id)).size == 5)
        // A span that reads as zeros after its body.
        let padded = try shard.construct()
        try shard.addInline(padded, at: 0, "x".bytes, size: 4096)
        try shard.addInline(padded, at: 4096, "end".bytes)
        try shard.link(padded, "padded")
        #expect(try shard.call(StatFileRequest(id: padded.id)).size == 4099)
        // The empty class adds nothing.
        let empty = AddInlineSpanRequest(
            fileId: file.id, cookie: file.cookie, storageClass: .empty, byteOffset: 0, size: 0, crc: .zero, body: [])
        try shard.call(empty)
    }

    @Test("G.2 9: a repeated request gets the same blocks")
    func repeatedInitiate() throws {
        let shard = try ShardFixture()
        let file = try shard.construct()
        let first = try shard.call(shard.newSpan(file)).blocks
        #expect(first.count == 3)
        #expect(Set(first.map(\.blockServiceFailureDomain)).count == 3)
        let blacklist = first.map {
            BlacklistEntry(failureDomain: $0.blockServiceFailureDomain, blockService: BlockServiceID(rawValue: 0))
        }
        #expect(try shard.call(shard.newSpan(file, blacklist: blacklist)).blocks == first)
        try shard.certify(file, at: 0, first)
        #expect(try shard.call(shard.newSpan(file)).blocks == first)
        for block in first {
            let index = try #require((0..<64).first { TestDisks.id($0) == block.blockServiceId })
            let crc = try #require(try storedCRC(of: block.blockId, in: file, shard))
            let right = MACKey(TestDisks.key(index)).writeCertificate(
                blockService: block.blockServiceId, block: block.blockId, crc: crc, size: 4096)
            #expect(block.certificate == right)
        }
    }

    private func storedCRC(of block: BlockID, in file: ShardFixture.OpenFile, _ shard: ShardFixture) throws -> CRC32C? {
        let spans = try shard.call(LocalFileSpansRequest(fileId: file.id, byteOffset: 0, limit: 0, mtu: 0)).spans
        for span in spans {
            guard case .blocks(let body) = span.body else { continue }
            if let found = body.blocks.first(where: { $0.blockId == block }) { return found.crc }
        }
        return nil
    }

    @Test("G.2 10, 11, 13: where a span may be added, and what it holds up")
    func spanOrder() throws {
        let shard = try ShardFixture()
        let file = try shard.construct()
        try shard.expect(.spanNotFound, shard.newSpan(file, at: 8192))
        try shard.expect(.spanNotFound, shard.newSpan(file, at: ~4095))
        let blocks = try shard.call(shard.newSpan(file)).blocks
        try shard.expect(.lastSpanStateNotClean, shard.newSpan(file, at: 8192, salt: 2))
        try shard.expect(.spanNotFound, shard.newSpan(file, salt: 2))
        let link = LinkFileRequest(fileId: file.id, cookie: file.cookie, ownerId: .root, name: "foo".bytes)
        try shard.expect(.lastSpanStateNotClean, link)
        try shard.expect(.lastSpanStateNotClean, shard.inlineSpan(file, at: 8192, "x".bytes))
        try shard.certify(file, at: 0, blocks)
        try shard.addSpan(file, at: 8192, salt: 2)
        try shard.addInline(file, at: 16384, "tail".bytes)
        try shard.call(link)
        #expect(try shard.call(StatFileRequest(id: file.id)).size == 16388)
    }

    @Test("G.2 12: proofs")
    func proofs() throws {
        let shard = try ShardFixture()
        let file = try shard.construct()
        let other = try shard.construct()
        let foreign = try shard.call(shard.newSpan(other)).blocks
        func request(_ proofs: [BlockProof], at byteOffset: UInt64 = 0) -> AddSpanCertifyRequest {
            AddSpanCertifyRequest(fileId: file.id, cookie: file.cookie, byteOffset: byteOffset, proofs: proofs)
        }
        try shard.expect(.spanNotFound, request([]))
        let blocks = try shard.call(shard.newSpan(file)).blocks
        let good = try shard.proofs(blocks)
        try shard.expect(.badNumberOfBlocksProofs, request([]))
        try shard.expect(.badNumberOfBlocksProofs, request(Array(good.dropLast())))
        try shard.expect(.badNumberOfBlocksProofs, request(good + [good[0]]))
        try shard.expect(.badBlockProof, request([good[1], good[0], good[2]]))
        try shard.expect(.badBlockProof, request(try shard.proofs(foreign)))
        let erased = try blocks.map { try ShardDisks.proof($0.blockServiceId, $0.blockId, erase: true) }
        try shard.expect(.badBlockProof, request(erased))
        var forged = good
        forged[2].proof.rawValue ^= 1
        try shard.expect(.badBlockProof, request(forged))
        try shard.call(request(good))
        // Once certified, proofs do not matter any more.
        try shard.call(request([]))
        try shard.expect(.spanNotFound, request(good, at: 4096))
    }

    @Test("G.2 14: a span that cannot be written moves to a throw-away file")
    func moveSpan() throws {
        let shard = try ShardFixture()
        let file = try shard.construct()
        let scratch = try shard.construct()
        let bad = try shard.call(shard.newSpan(file)).blocks
        func request(_ change: (inout MoveSpanRequest) -> Void = { _ in }) -> MoveSpanRequest {
            var request = MoveSpanRequest(
                spanSize: 8192, fileId1: file.id, byteOffset1: 0, cookie1: file.cookie, fileId2: scratch.id,
                byteOffset2: 0, cookie2: scratch.cookie)
            change(&request)
            return request
        }
        try shard.expect(.typeIsDirectory, request { $0.fileId2 = .root })
        try shard.expect(.badCookie, request { $0.cookie1.rawValue ^= 1 })
        try shard.expect(.badCookie, request { $0.cookie2.rawValue ^= 1 })
        try shard.expect(.badSpanBody, request { ($0.fileId2, $0.cookie2) = (file.id, file.cookie) })
        try shard.expect(.badSpanBody, request { $0.byteOffset2 = 1 })
        try shard.expect(.spanNotFound, request { $0.spanSize = 4096 })
        try shard.expect(.spanNotFound, request { $0.byteOffset2 = 4096 })
        try shard.call(request())
        try shard.call(request())
        for block in bad {
            let files = try shard.call(
                BlockServiceFilesRequest(blockServiceId: block.blockServiceId, startFrom: .null)
            ).fileIds
            #expect(files == [scratch.id])
        }
        let blacklist = [
            BlacklistEntry(
                failureDomain: bad[0].blockServiceFailureDomain, blockService: BlockServiceID(rawValue: 0))
        ]
        let good = try shard.call(shard.newSpan(file, blacklist: blacklist)).blocks
        #expect(Set(good.map(\.blockId)).isDisjoint(with: bad.map(\.blockId)))
        #expect(!good.contains { $0.blockServiceFailureDomain == bad[0].blockServiceFailureDomain })
        try shard.certify(file, at: 0, good)
        try shard.link(file, "foo")
        shard.tick(seconds: 2 * 3600)
        #expect(try shard.removeLastSpan(scratch) == 0)
    }

    @Test("G.2 22: picking block services")
    func picking() throws {
        let shard = try ShardFixture(domains: 14)
        let file = try shard.construct()
        let parity = Parity(data: 10, parity: 4)
        func span(at byteOffset: UInt64 = 0, _ blacklist: [BlacklistEntry]) -> AddSpanInitiateRequest {
            shard.newSpan(file, at: byteOffset, size: 40960, parity: parity, blacklist: blacklist)
        }
        let bad = BlacklistEntry(failureDomain: ShardDisks.domain(0), blockService: BlockServiceID(rawValue: 0))
        try shard.expect(.couldNotPickBlockServices, span([bad]))
        let badService = BlacklistEntry(failureDomain: .none, blockService: TestDisks.id(0))
        try shard.expect(.couldNotPickBlockServices, span([badService]))
        shard.core.blockServices = ShardDisks.table(domains: 15)
        let first = try shard.call(span([bad])).blocks
        #expect(!first.contains { $0.blockServiceFailureDomain == bad.failureDomain })
        try shard.certify(file, at: 0, first)
        shard.core.blockServices = ShardDisks.table(domains: 40)
        let second = try shard.call(span(at: 40960, [])).blocks
        #expect(second.map(\.blockServiceId) == first.map(\.blockServiceId))
        try shard.certify(file, at: 40960, second)
        // What the registry still lists may have become unwritable since.
        var table = ShardDisks.table(domains: 40)
        table.update(
            first.compactMap { table.services[$0.blockServiceId] }.map { service in
                var service = service
                service.flags = .noWrite
                return service
            })
        shard.core.blockServices = table
        let third = try shard.call(span(at: 81920, [])).blocks
        #expect(Set(third.map(\.blockServiceId)).isDisjoint(with: first.map(\.blockServiceId)))
    }

    @Test("the three forms of a new span answer in their own form")
    func forms() throws {
        let shard = try ShardFixture()
        let reference = try shard.construct()
        let blocks = try shard.addSpan(reference)
        let file = try shard.construct()
        let plain = shard.newSpan(file)
        let withReference = AddSpanInitiateWithReferenceRequest(req: plain, reference: reference.id)
        let placed = try shard.call(withReference).resp.blocks
        #expect(placed.map(\.blockServiceId) == blocks.map(\.blockServiceId))
        let withoutReference = AddSpanInitiateWithReferenceRequest(req: plain, reference: .null)
        #expect(try shard.call(withoutReference).resp.blocks == placed)
        let atLocation = AddSpanAtLocationInitiateRequest(locationId: .default, req: withoutReference)
        #expect(try shard.call(atLocation).resp.blocks == placed)
        let elsewhere = AddSpanAtLocationInitiateRequest(locationId: LocationID(rawValue: 3), req: withoutReference)
        try shard.expect(.couldNotPickBlockServices, elsewhere)
        try shard.expect(
            .typeIsDirectory, AddSpanInitiateWithReferenceRequest(req: plain, reference: .root))
    }

    @Test("G.2 23: the checksum matrix", arguments: [Parity(data: 10, parity: 4), Parity(data: 1, parity: 2)])
    func checksums(parity: Parity) throws {
        let shard = try ShardFixture(checksInvariants: false)
        let file = try shard.construct()
        let size = UInt32(parity.data) * 4096 * 2 - 100
        let good = shard.newSpan(file, size: size, parity: parity, stripes: 2)
        for index in good.crcs.indices {
            var flipped = good
            flipped.crcs[index].rawValue ^= 1 << UInt32(index)
            let column = index % parity.blocks
            if column <= parity.data || parity.isMirroring {
                try shard.expect(.badSpanBody, flipped)
            }
        }
        var short = good
        short.crcs.removeLast()
        try shard.expect(.badSpanBody, short)
        var other = good
        other.crc.rawValue ^= 1
        try shard.expect(.badSpanBody, other)
        if !parity.isMirroring {
            // What other parity cells should be cannot be told.
            var unchecked = good
            unchecked.crcs[parity.data + 1].rawValue ^= 1
            try shard.call(unchecked)
        } else {
            try shard.call(good)
        }
    }

    @Test("G.2 26: sizes at their limits")
    func limits() throws {
        let shard = try ShardFixture(checksInvariants: false)
        let file = try shard.construct()
        let mirror = Parity(data: 1, parity: 1)
        let most: UInt32 = 100 << 20
        func refuse(_ change: (inout AddSpanInitiateRequest) -> Void) throws {
            var request = shard.newSpan(file)
            change(&request)
            try shard.expect(.badSpanBody, request)
        }
        try refuse { $0.stripes = 0 }
        try refuse { $0.stripes = 16 }
        try refuse { $0.cellSize = 4095 }
        try refuse { $0.cellSize = 0 }
        try refuse { $0.size = 0 }
        try refuse { $0.parity = Parity(data: 0, parity: 2) }
        try refuse { $0.parity = Parity(data: 3, parity: 0) }
        try refuse { $0.byteOffset = 100 }
        try refuse { $0.storageClass = .inline }
        try refuse { $0.storageClass = .empty }
        try refuse { ($0.cellSize, $0.stripes) = (0xffff_f000, 15) }
        try shard.expect(.badSpanBody, shard.newSpan(file, size: most + 1, parity: mirror, cellSize: most))
        try shard.expect(
            .badSpanBody, shard.newSpan(file, size: most, parity: mirror, stripes: 2, cellSize: most / 2 + 4096))
        let blocks = try shard.call(shard.newSpan(file, size: most, parity: mirror, cellSize: most)).blocks
        try shard.certify(file, at: 0, blocks)
        _ = try shard.call(shard.newSpan(file, at: UInt64(most), size: most, parity: mirror, stripes: 15))
        shard.expectInvariants()
    }

    @Test("using a transient file moves its deadline; errors and cleaning up do not")
    func deadlines() throws {
        let shard = try ShardFixture()
        let file = try shard.construct()
        func deadline() throws -> Timestamp? {
            try shard.call(VisitTransientFilesRequest(beginId: .null, mtu: 0)).files.first?.deadlineTime
        }
        try shard.addInline(file, at: 0, [1], size: 4096)
        #expect(try deadline()?.nanoseconds == shard.now.nanoseconds + ShardFixture.lifetime)
        let before = try deadline()
        try shard.expect(.spanNotFound, shard.inlineSpan(file, at: 0, [2]))
        #expect(try deadline() == before)
        try shard.call(ScrapTransientFileRequest(id: file.id, cookie: file.cookie))
        let scrapped = shard.now
        #expect(try deadline() == scrapped)
        try shard.removeLastSpan(file)
        #expect(try deadline() == scrapped)
        try shard.expect(.fileNotFound, shard.inlineSpan(file, at: 0, [2]))
    }

    @Test("reading spans: where they begin, how they end")
    func fileSpans() throws {
        let shard = try ShardFixture()
        let file = try shard.construct()
        func spans(_ byteOffset: UInt64, limit: UInt32 = 0) throws -> LocalFileSpansResponse {
            try shard.call(LocalFileSpansRequest(fileId: file.id, byteOffset: byteOffset, limit: limit, mtu: 0))
        }
        #expect(try spans(0).spans.isEmpty)
        let blocks = try shard.addSpan(file)
        try shard.addInline(file, at: 8192, "tail".bytes)
        let all = try spans(0)
        #expect(all.nextOffset == 0)
        #expect(all.spans.map(\.header.byteOffset) == [0, 8192])
        #expect(Set(all.blockServices.map(\.id)) == Set(blocks.map(\.blockServiceId)))
        #expect(try spans(8191).spans.count == 2)
        #expect(try spans(8192).spans.map(\.header.byteOffset) == [8192])
        #expect(try spans(8196).spans.map(\.header.byteOffset) == [8192])
        #expect(try spans(8197).spans.isEmpty)
        #expect(try spans(0, limit: 1).spans.count == 1)
        let full = try shard.call(FileSpansRequest(fileId: file.id, byteOffset: 0, limit: 0, mtu: 0))
        #expect(full.spans.map(\.header.isInline) == [false, true])
        try shard.expect(.typeIsDirectory, LocalFileSpansRequest(fileId: .root, byteOffset: 0, limit: 0, mtu: 0))
        try shard.expect(.typeIsDirectory, FileSpansRequest(fileId: .root, byteOffset: 0, limit: 0, mtu: 0))
        let missing = InodeID(type: .file, shard: shard.shard, index: 99)
        try shard.expect(.fileNotFound, LocalFileSpansRequest(fileId: missing, byteOffset: 0, limit: 0, mtu: 0))
        try shard.expect(.fileNotFound, FileSpansRequest(fileId: missing, byteOffset: 0, limit: 0, mtu: 0))
    }
}
