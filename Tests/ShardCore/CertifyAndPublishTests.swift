import Protocol
import ShardCore
import Testing

/// Files whose last span is certified with their publication.
@Suite struct CertifyAndPublishTests: VectorTests {
    private let shard: ShardFixture

    init() throws { shard = try ShardFixture() }

    private func request(
        _ file: ShardFixture.OpenFile, _ proofs: [BlockProof], at byteOffset: UInt64 = 0, over expected: InodeID? = .null
    ) -> CertifyAndPublishRequest {
        CertifyAndPublishRequest(
            publication: shard.publishing(
                shard.publishing(file, over: expected), otherwise: shard.ownership(0o640, 7, 8)),
            byteOffset: byteOffset, proofs: proofs)
    }

    private func isDirty(_ file: ShardFixture.OpenFile) throws -> Bool {
        let link = LinkFileRequest(fileId: file.id, cookie: file.cookie, ownerId: .root, name: "dirty".bytes)
        guard case .failure(.lastSpanStateNotClean) = try shard.reply(link.erased) else { return false }
        return true
    }

    @Test func theSpanIsFinishedAndTheFileHasItsName() throws {
        let file = try shard.construct()
        let blocks = try shard.call(shard.newSpan(file)).blocks
        let done = try shard.call(request(file, try shard.proofs(blocks))).publication
        #expect(done.number == file.id && done.ownership == shard.ownership(0o640, 7, 8))
        #expect(try shard.lookup("a").targetId == file.id)
        #expect(try shard.attributes(file.id).size == 8192)
        // A copy of the request is answered the same, even if its proofs are not.
        let again = try shard.call(request(file, []))
        #expect(again.publication == done)
        shard.expectInvariants()
    }

    @Test func laterSpansAreCertifiedAtTheirOffset() throws {
        let file = try shard.construct()
        try shard.addSpan(file)
        let blocks = try shard.call(shard.newSpan(file, at: 8192)).blocks
        let proofs = try shard.proofs(blocks)
        // Those of another span finish nothing.
        try shard.expect(.lastSpanStateNotClean, request(file, proofs, at: 0))
        try shard.expect(.spanNotFound, request(file, proofs, at: 4096))
        try shard.call(request(file, proofs, at: 8192))
        #expect(try shard.attributes(file.id).size == 16384)
    }

    @Test func wrongProofsPublishNothing() throws {
        let file = try shard.construct()
        let blocks = try shard.call(shard.newSpan(file)).blocks
        var proofs = try shard.proofs(blocks)
        try shard.expect(.badNumberOfBlocksProofs, request(file, Array(proofs.dropLast())))
        proofs[1].proof = MAC(rawValue: ~proofs[1].proof.rawValue)
        try shard.expect(.badBlockProof, request(file, proofs))
        #expect(try shard.edges().isEmpty)
        #expect(try isDirty(file))
    }

    @Test func aFileThatIsRefusedItsNameIsNotCertified() throws {
        let former = try shard.publishFirst()
        let file = try shard.construct()
        let proofs = try shard.proofs(try shard.call(shard.newSpan(file)).blocks)
        try shard.expect(.cannotOverrideName, request(file, proofs))
        try shard.expect(.mismatchingTarget, request(file, proofs, over: file.id))
        #expect(try isDirty(file))
        try shard.call(request(file, proofs, over: former))
        #expect(try shard.lookup("a").targetId == file.id)
    }

    @Test func strangersPublishNothing() throws {
        let file = try shard.construct()
        let proofs = try shard.proofs(try shard.call(shard.newSpan(file)).blocks)
        let stranger = ShardFixture.OpenFile(id: file.id, cookie: Cookie(rawValue: ~file.cookie.rawValue))
        try shard.expect(.badCookie, request(stranger, proofs))
    }

    /// So that no later version of this code reads them in another way.
    @Test func bytes() throws {
        let id = InodeID(type: .file, shard: ShardID(rawValue: 3), index: 0x0102)
        let file = ShardFixture.OpenFile(id: id, cookie: Cookie(rawValue: 5))
        let publication = "0302010000000040" + "0500000000000000" + "00" + "0000000000000000" + "00000000" + "00000000"
            + "00" + "0000000000000020" + "0161" + "01" + "0000000000000000" + "0000000000000000" + "00" + "01" + "01"
            + "a001" + "07000000" + "08000000" + "00" + "0000000000000000" + "ffff" + "ffffffff" + "ffffffff"
            + "0000000000000000" + "0000000000000000" + "0000"
        let proof = BlockProof(blockId: BlockID(rawValue: 6), proof: MAC(rawValue: 7))
        let request = request(file, [proof], at: 4096)
        try expect(
            request, publication + "0010000000000000" + "0100" + "0600000000000000" + "0700000000000000")
        let ownership = shard.ownership(0o640, 7, 8)
        try expect(
            CertifyAndPublishResponse(
                publication: PublishFileWithAttributesResponse(
                    creationTime: Timestamp(nanoseconds: 8), number: id, ownership: ownership)),
            "0800000000000000" + "0302010000000040" + "a001" + "07000000" + "08000000")
        // One that was right and one that was wrong.
        let proofs = "0302010000000040" + "0010000000000000" + "0200"
            + "0600000000000000" + "01" + "0900000000000000" + "0700000000000000" + "00" + "0000000000000000"
        let checked: CheckedProofs = try read(proofs)
        #expect(checked.proofs.map(\.provenService) == [BlockServiceID(rawValue: 9), nil])
        let head = "0800000000000000" + "0900000000000000" + "0700000000000000" + "0a00000000000000" + "00"
        try expect(
            ShardLogEntry(
                time: Timestamp(nanoseconds: 8), clock: Timestamp(nanoseconds: 7), transientLifetimeNanoseconds: 9,
                minimumHistoryAgeNanoseconds: 10, keepsAttributes: true,
                action: .publishWithAttributes(request.publication, graceNanoseconds: 11, certifying: checked)),
            "04" + "0b" + head + publication + "0b00000000000000" + proofs)
        #expect(CertifyAndPublishRequest.kind.rawValue == 0x4C)
        #expect(ProtocolExtension.certifyAndPublish.rawValue == 19)
    }
}
