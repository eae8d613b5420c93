import Client
import Protocol
import Testing

/// Files that are made ahead.
@Suite(.timeLimit(.minutes(1))) struct SpareFilesTests {
    private static let shard = ShardID(rawValue: 3)
    private static let handle = TransientHandle(
        id: InodeID(type: .file, shard: shard, index: 1), cookie: Cookie(rawValue: 1))

    private static func made(_ count: Int, at nanoseconds: UInt64) -> [SpareFiles.Spare] {
        Array(repeating: SpareFiles.Spare(handle: handle, nanoseconds: nanoseconds), count: count)
    }

    private static func take(
        _ spares: inout SpareFiles, _ now: UInt64, together: Bool
    ) -> (spare: SpareFiles.Spare?, order: Int) {
        spares.take(shard, now: now, lifetimeNanoseconds: 600_000_000_000, together: together)
    }

    @Test func sparesFollowDemand() {
        var spares = SpareFiles()
        func take(_ now: UInt64) -> (spare: SpareFiles.Spare?, order: Int) {
            Self.take(&spares, now, together: false)
        }
        let first = take(1_000)
        #expect(first.spare == nil && first.order == 0)
        #expect(take(2_000).order == 1)
        spares.arrived(Self.made(1, at: 3_000), ofOrder: 1, Self.shard)
        let third = take(4_000)
        #expect(third.spare?.handle == Self.handle && third.order == 1)
        spares.arrived([], ofOrder: 1, Self.shard)
        var ordered = 0
        for step in 0..<100 { ordered += take(6_000 + UInt64(step)).order }
        #expect(ordered == 32)
        // In the first half of the shard's deadline only.
        spares.arrived(Self.made(1, at: 10_000), ofOrder: 1, Self.shard)
        spares.arrived(Self.made(1, at: 20_000), ofOrder: 1, Self.shard)
        #expect(take(300_000_015_000).spare?.nanoseconds == 20_000)
        #expect(take(300_000_020_001).spare == nil)
    }

    @Test func halfAStockIsEnoughWhereManyComeTogether() {
        var spares = SpareFiles()
        var orders: [Int] = []
        for step: UInt64 in 0..<8 { orders.append(Self.take(&spares, 1_000 + step, together: true).order) }
        // None is there yet, so ever more are wanted.
        #expect(orders.reduce(0, +) == 32)
        spares.arrived(Self.made(32, at: 2_000), ofOrder: 32, Self.shard)
        orders = (0..<16).map { Self.take(&spares, 3_000 + $0, together: true).order }
        #expect(orders == Array(repeating: 0, count: 15) + [16])
    }

    /// One file after the other, each as soon as the one before is done.
    @Test(arguments: [true, false]) func rowsAreOrderedInGreaterAndGreaterParts(together: Bool) {
        var spares = SpareFiles()
        var (orders, missing) = ([Int](), 0)
        for step in 1...500 {
            let now = UInt64(step) * 1_000_000
            let (spare, order) = Self.take(&spares, now, together: together)
            if spare == nil { missing += 1 }
            guard order > 0 else { continue }
            orders.append(order)
            spares.arrived(Self.made(order, at: now), ofOrder: order, Self.shard)
            // No more is left over than a part of what was made.
            let left = orders.reduce(0, +) - (step - missing)
            #expect(left <= max(1, step / 4))
        }
        #expect(missing == 2)
        // Where each costs as much as the others, one is enough.
        #expect(together ? orders.last == 16 && orders.count < 60 : Set(orders) == [1])
    }

    @Test(arguments: [true, false]) func filesInARowAreMadeByOneRequestWhereShardsCan(knowsIt: Bool) async throws {
        let (kinds, files) = try await FakeCluster.run(
            extensions: knowsIt ? [.fetchPageSums, .constructFiles] : [.fetchPageSums]
        ) { cluster in
            for _ in 0..<200 { _ = try await cluster.client.createFile(in: .root, note: []) }
            return (cluster.shards.kinds, cluster.shards.files.count)
        }
        let (single, together) = (kinds.count { $0 == .constructFile }, kinds.count { $0 == .constructFiles })
        #expect(files >= 200)
        if knowsIt {
            #expect(together > 0 && single + together < 100)
        } else {
            #expect(together == 0 && single == files)
        }
    }

    @Test func whatAnotherShardMadeIsNoSpare() async throws {
        try await FakeCluster.run(extensions: [.fetchPageSums, .constructFiles]) { cluster in
            for round in 0..<200 {
                // One of those that are made together next is another shard's.
                if round % 40 == 20 { cluster.shards.foreignFiles = 1 }
                let writer = try await cluster.client.createFile(in: .root, note: [])
                #expect(writer.id.shard == InodeID.root.shard)
            }
        }
    }
}
