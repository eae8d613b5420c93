import Protocol
import ShardCore
import TestSupport
import Testing

/// 10,000 copies of one file: each costs what the second one did, and so does its removal, in any order.
@Suite("Many copies") struct ManyCopiesTests {
    /// How great everything is that a request brings about, in bytes.
    private struct Step: Hashable {
        var request: Int
        var entry: Int
        var batch: Int
        var body: Int
    }

    private static let copies = 10_000

    private let store = MeasuredStore()
    private let shard: ShardFixture

    init() throws {
        shard = try ShardFixture(store: store, checksInvariants: false)
        // Nothing expires meanwhile.
        shard.step = 1_000
    }

    private func carryOut<Request: ShardRPC>(_ request: Request, body: InodeID) throws -> Step {
        try shard.call(request)
        let record = try #require(try store.get(shard.keyOfBody(body)))
        return Step(
            request: request.erased.encodedSize, entry: try #require(shard.log.last).count,
            batch: store.lastBatchBytes, body: try BodyRecord(decoding: record).encodedSize)
    }

    @Test func allCostTheSame() throws {
        let source = try shard.construct()
        for index in 0..<3 as Range<UInt32> {
            try shard.addSpan(source, at: UInt64(index) * 8192, salt: index + 1)
        }
        try shard.link(source, "source")
        let seen = try shard.seen(source.id)
        // The first one makes the body.
        var copies = [try shard.copy(of: source.id, size: 3 * 8192)]
        let body = try #require(try shard.references(of: source.id).references.first?.bodyId)
        var made: Set<Step> = []
        while copies.count < Self.copies {
            let copy = try shard.construct()
            made.insert(try carryOut(shard.reference(copy, at: 0, to: source.id), body: body))
            copies.append(copy)
        }
        #expect(made.count == 1)
        #expect(try shard.seen(copies[Self.copies - 1].id) == seen)
        var random = SeededGenerator(seed: 12)
        copies.shuffle(using: &random)
        var removed: Set<Step> = []
        for copy in copies {
            try shard.call(ScrapTransientFileRequest(id: copy.id, cookie: copy.cookie))
            let removal = RemoveSpanInitiateRequest(fileId: copy.id, cookie: copy.cookie)
            removed.insert(try carryOut(removal, body: body))
            try shard.call(RemoveInodeRequest(id: copy.id))
        }
        #expect(removed.count == 1)
        #expect(try shard.seen(source.id) == seen)
        shard.expectInvariants()
    }
}
