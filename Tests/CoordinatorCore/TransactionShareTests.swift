import CoordinatorCore
import Protocol
import Testing

/// What one shard that does not answer, or one host, may take away from all others.
@Suite struct TransactionShareTests {
    private static func make(_ owner: InodeID, _ name: String) -> AnyCdcRequest {
        .makeDirectory(MakeDirectoryRequest(ownerId: owner, name: bytes(name)))
    }

    /// Takes steps until the request is answered, or long enough for one that is not going to be.
    private func isServed(_ request: AnyCdcRequest, by cluster: Cluster) throws -> Bool {
        let origin = cluster.submit(request)
        for _ in 0..<2_000 where cluster.replies[origin] == nil { try cluster.step() }
        return cluster.replies[origin] != nil
    }

    @Test func aSilentShardLeavesRoomForTheOthers() throws {
        let cluster = try Cluster(seed: 1, reservation: 512, transactions: 40, transactionsPerShard: 10)
        let silent = try cluster.makeDirectory("silent", in: .root).id
        let other = try cluster.makeDirectory("other", in: .root).id
        try #require(silent.shard != other.shard && silent.shard != InodeID.root.shard)
        cluster.silentShards = [silent.shard]
        for number in 0..<100 { cluster.submit(Self.make(silent, "hangs \(number)")) }
        // Enough that ids of the silent shard come up, which hang as well until there are too many.
        for number in 0..<600 {
            try #require(try isServed(Self.make(other, "goes on \(number)"), by: cluster), "\(number)")
        }
        #expect(cluster.coordinator.statistics.requestsBeyondShare >= 90)
        cluster.silentShards = []
        try cluster.settle()
        #expect(try isServed(Self.make(silent, "works again"), by: cluster))
        try cluster.settle()
        #expect(try cluster.violations() == [])
        #expect(cluster.coordinator.transactionCount == 0)
    }

    @Test func idsOfASilentShardAreNotGivenOutWhileTooManyWaitForIt() throws {
        let cluster = try Cluster(seed: 2, reservation: 4, transactions: 40, transactionsPerShard: 3)
        let first = try cluster.makeDirectory("first", in: .root).id
        // Of the next ids one is in the silent shard.
        let silent = ShardID(rawValue: first.shard.rawValue &+ 2)
        cluster.silentShards = [silent]
        let hanging = InodeID(type: .directory, shard: silent, index: 999)
        for number in 0..<3 { cluster.submit(Self.make(hanging, "hangs \(number)")) }
        for _ in 0..<50 { try cluster.step() }
        for number in 0..<10 { #expect(try isServed(Self.make(.root, "\(number)"), by: cluster), "\(number)") }
        cluster.silentShards = []
        try cluster.settle()
        #expect(try cluster.violations() == [])
    }

    @Test func aHostHasItsShare() throws {
        // All clients of the harness are of one host.
        let cluster = try Cluster(seed: 3, transactionsPerHost: 5)
        let silent = try cluster.makeDirectory("silent", in: .root).id
        cluster.silentShards = [silent.shard]
        for number in 0..<5 { cluster.submit(Self.make(silent, "hangs \(number)")) }
        #expect(try !isServed(Self.make(.root, "waits"), by: cluster))
        let elsewhere = RequestOrigin(source: 1 << 16, requestID: 1)
        cluster.repeatRequest(Self.make(.root, "of another host"), from: elsewhere)
        for _ in 0..<2_000 where cluster.replies[elsewhere] == nil { try cluster.step() }
        #expect(cluster.replies[elsewhere]?.first?.error == nil && cluster.replies[elsewhere] != nil)
        cluster.silentShards = []
        try cluster.settle()
        #expect(try isServed(Self.make(.root, "later"), by: cluster))
        try cluster.settle()
        #expect(try cluster.violations() == [])
    }
}
