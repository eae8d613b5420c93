import CoordinatorCore
import Protocol
import TestShards
import TestSupport
import Testing

/// Two coordinators that were started on copies of one directory, and so believe that the same numbers are theirs.
@Suite("Two coordinators") struct TwoCoordinatorTests {
    private static let directoryCount = 8

    private struct Move: Hashable {
        let file: String
        let from: InodeID
        let to: InodeID
    }

    /// Has the coordinator move new files at the same time, checks that what it says is true, and returns which it said
    /// were moved.
    private func areMoved(_ moves: [Move], by cluster: Cluster) throws -> [Bool] {
        let requests = try moves.map { move in
            let made = try #require(try cluster.shards.makeFile(bytes(move.file), in: move.from))
            let request = try cluster.renameRequest(move.file, from: move.from, to: move.to, as: move.file)
            return (move, made.id, cluster.submit(request))
        }
        for _ in 0..<1_000 where !requests.allSatisfy({ cluster.replies[$0.2] != nil }) { try cluster.step() }
        return try requests.map { move, id, origin in
            let isThere = try cluster.shards.lookup(bytes(move.file), in: move.to).map(\.targetId) == .success(id)
            switch cluster.replies[origin]?.first {
            case .success:
                #expect(isThere, "\(move)")
                return true
            case .failure(let error):
                #expect(error == .fatalError && !isThere, "\(move)")
                return false
            case nil:
                return false
            }
        }
    }

    /// A move from each directory to the next by each of the two, and which were done.
    private func turn(_ number: Int, _ directories: [InodeID], _ clusters: [Cluster]) throws -> [Bool] {
        try directories.indices.flatMap { place in
            try clusters.indices.map { index in
                let next = directories[(place + 1) % directories.count]
                let move = Move(file: "turn \(number) \(place) \(index)", from: directories[place], to: next)
                return try areMoved([move], by: clusters[index])[0]
            }
        }
    }

    /// Without a distance between their numbers the last three never came to rest.
    @Test(
        "what they say is true, and neither disturbs the other for ever",
        arguments: Array(1...40) + [344, 1232, 1362] as [UInt64])
    func neitherDisturbsTheOtherForEver(_ seed: UInt64) throws {
        let first = try Cluster(seed: seed)
        let directories = try (0..<Self.directoryCount).map { try first.makeDirectory("\($0)", in: .root).id }
        try first.settle()
        let second = try Cluster(copyOf: first, seed: seed + 1_000)
        // The one the copy was taken of goes on, or both begin with what it had.
        if seed.isMultiple(of: 2) { try first.crashNow() }
        let clusters = [first, second]
        var random = SeededGenerator(seed: seed)
        for round in 0..<10 {
            let moves = (0..<4).map { number in
                let places = directories.shuffled(using: &random)
                return Move(file: "\(round) \(number)", from: places[0], to: places[1])
            }
            _ = try areMoved(moves, by: clusters[Int.random(in: 0...1, using: &random)])
        }
        let turns = try (0..<3).map { try turn($0, directories, clusters) }
        // Each shard is left to one of them, and nothing changes any more.
        #expect(turns[1] == turns[2])
        let takenOver = clusters.map(\.coordinator.statistics.shardsTakenOver)
        #expect(takenOver.reduce(0, +) > 0)
        for (cluster, count) in zip(clusters, takenOver) {
            #expect(cluster.alarms.count { $0.contains("another coordinator works with shard") } == Int(count))
        }

        // The other one was stopped, and this one is started again.
        try first.crashNow()
        #expect(try turn(3, directories, [first]).allSatisfy { $0 })
        try first.settle()
        #expect(first.coordinator.statistics.shardsTakenOver == 0)
    }

    @Test("a coordinator whose state is older than the shards gets past what they have closed")
    func olderState() throws {
        let first = try Cluster(seed: 1)
        let directories = try (0..<Self.directoryCount).map { try first.makeDirectory("\($0)", in: .root).id }
        let older = try Cluster(copyOf: first, seed: 2)
        for start in 0..<3 {
            if start > 0 { try first.crashNow() }
            _ = try first.makeDirectory("later \(start)", in: directories[0])
        }
        #expect(try turn(0, directories, [older]).allSatisfy { $0 })
        #expect(older.coordinator.statistics.shardsTakenOver == 0)
    }
}
