import Protocol
import ShardCore
import TestSupport
import Testing

/// Numbers of blocks stay unique, and near the clock, which is what block services demand of them (services.md B.5).
@Suite("Block numbers")
struct BlockNumberTests {
    private static let hour: UInt64 = 3_600_000_000_000
    private static let month = 30 * 24 * hour
    private static let start: UInt64 = 1_700_000_000_000_000_000
    private static let shard = ShardID(rawValue: 7)

    /// What a block service takes: not five minutes old, not 22 hours ahead.
    private func isWritable(_ id: BlockID, at now: Timestamp) -> Bool {
        id.time.nanoseconds + 300_000_000_000 > now.nanoseconds
            && id.time.nanoseconds < now.nanoseconds + 22 * Self.hour
    }

    @Test("a clock that was a month ahead for one operation spoils nothing", arguments: [false, true])
    func jump(restarting: Bool) throws {
        let shard = try ShardFixture()
        let file = try shard.construct()
        var ids = try shard.addSpan(file).map(\.blockId)
        let now = shard.now
        shard.now = Timestamp(nanoseconds: now.nanoseconds + Self.month)
        ids += try shard.call(shard.newSpan(try shard.construct())).blocks.map(\.blockId)
        #expect(ids.suffix(3).allSatisfy { isWritable($0, at: shard.now) })
        shard.now = now
        if restarting { try shard.restart() }
        for salt in 2..<6 {
            let blocks = try shard.addSpan(try shard.construct(), salt: UInt32(salt))
            #expect(blocks.allSatisfy { isWritable($0.blockId, at: shard.now) })
            ids += blocks.map(\.blockId)
        }
        // When the month is over, what was given out then is passed by.
        shard.now = Timestamp(nanoseconds: now.nanoseconds + Self.month - ShardFixture.second)
        for salt in 6..<10 {
            let blocks = try shard.addSpan(try shard.construct(), salt: UInt32(salt))
            #expect(blocks.allSatisfy { isWritable($0.blockId, at: shard.now) })
            ids += blocks.map(\.blockId)
        }
        #expect(Set(ids).count == ids.count)
    }

    /// Applies a request as the version did that had no clock in its entries.
    private func applyOld(_ request: AnyShardRequest, _ shard: ShardFixture) throws -> AnyShardResponse {
        var entry = try shard.core.prepare(request, at: shard.tick())
        entry.clock = nil
        guard case .response(let response) = try shard.apply(entry) else { throw ProtocolError.internalError }
        return response
    }

    @Test("a shard that an older version left a month ahead works again at once")
    func leftAhead() throws {
        let shard = try ShardFixture()
        let now = shard.now
        func add() throws -> [BlockID] {
            let construct = AnyShardRequest.constructFile(ConstructFileRequest(type: .file, note: []))
            guard case .constructFile(let made) = try applyOld(construct, shard) else {
                throw ProtocolError.malformedResponse
            }
            let file = ShardFixture.OpenFile(id: made.id, cookie: made.cookie)
            let response = try applyOld(shard.newSpan(file).erased, shard)
            guard case .addSpanInitiate(let added) = response else { throw ProtocolError.malformedResponse }
            return added.blocks.map(\.blockId)
        }
        var ids = try add()
        shard.now = Timestamp(nanoseconds: now.nanoseconds + Self.month)
        shard.step = 1
        ids += try add()
        shard.now = now
        ids += try add()
        #expect(ids.suffix(3).allSatisfy { !isWritable($0, at: shard.now) }, "the older version's defect")
        try shard.restart()
        let blocks = try shard.call(shard.newSpan(try shard.construct())).blocks.map(\.blockId)
        #expect(blocks.allSatisfy { isWritable($0, at: shard.now) })
        #expect(Set(ids + blocks).count == ids.count + blocks.count)
        // An ordinary one goes on after its highest number.
        let ordinary = try ShardFixture()
        let old = try applyOld(ordinary.newSpan(try ordinary.construct()).erased, ordinary)
        guard case .addSpanInitiate(let added) = old else { throw ProtocolError.malformedResponse }
        ordinary.step = 0
        let first = try ordinary.call(ordinary.newSpan(try ordinary.construct())).blocks[0].blockId
        #expect(first > (try #require(added.blocks.map(\.blockId).max())))
    }

    @Test("a clock a day behind is told to wait, and nothing is given out twice")
    func behind() throws {
        let shard = try ShardFixture()
        for _ in 0..<48 {
            try shard.addSpan(try shard.construct())
            shard.tick(seconds: 1_800)
        }
        let file = try shard.construct()
        let now = shard.now
        shard.now = Timestamp(nanoseconds: now.nanoseconds - 23 * Self.hour)
        try shard.expect(.timeout, shard.newSpan(file))
        shard.now = now
        try shard.addSpan(file)
    }

    @Test("whatever the clock does, no number comes twice", arguments: 0..<20 as Range<UInt64>)
    func unique(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        var numbers = BlockNumbers(upTo: BlockID(rawValue: UInt64(Self.shard.rawValue)))
        var (clock, offset) = (Self.start, UInt64(0))
        var seen: Set<BlockID> = []
        for _ in 0..<3_000 {
            clock += UInt64.random(in: 0...random.pick([100, Self.hour / 60, 3 * Self.hour]), using: &random)
            if random.chance(5) { offset = random.pick([0, Self.hour, Self.month, 12 * Self.month]) }
            let now = Timestamp(nanoseconds: clock + offset)
            guard let id = numbers.take(at: now, shard: Self.shard) else { continue }
            #expect(seen.insert(id).inserted)
            #expect(id.shard == Self.shard && isWritable(id, at: now) && numbers.contains(id))
        }
        #expect(seen.count > 1_000)
        #expect(try BlockNumbers(decoding: try numbers.encoded()) == numbers)
        #expect(!numbers.contains(BlockID(rawValue: .max)))
    }

    @Test("numbers known by their hours only: none of those hours is used again")
    func hours() {
        let hour = Self.start / Self.hour
        let last = BlockID(rawValue: (hour + 800) * Self.hour + 12_345)
        var numbers = BlockNumbers(hours: [hour, hour + 1, hour + 3], upTo: last)
        func take(_ time: UInt64) -> UInt64? {
            numbers.take(at: Timestamp(nanoseconds: time), shard: Self.shard).map { $0.rawValue }
        }
        #expect(take((hour + 5) * Self.hour).map { $0 / Self.hour } == hour + 5)
        #expect(take((hour - 9) * Self.hour).map { $0 / Self.hour } == hour - 9)
        #expect(take(hour * Self.hour + 77).map { $0 / Self.hour } == hour + 2)
        #expect(take(last.rawValue - 1).map { $0 > last.rawValue } == true)
    }
}
