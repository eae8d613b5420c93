import CoordinatorCore
import Protocol
import Testing

/// Two coordinators that were started on copies of one directory, and so believe that the same numbers are theirs.
@Suite("Two coordinators") struct TwoCoordinatorTests {
    private static let directoryCount = 4

    /// Moves the file from one directory to the next; nil when there is no answer.
    private func move(
        _ file: String, _ directories: [InodeID], from place: Int, by cluster: Cluster
    ) throws -> Result<AnyCdcResponse, ProtocolError>? {
        let destination = directories[(place + 1) % directories.count]
        let request = try cluster.renameRequest(file, from: directories[place], to: destination, as: file)
        let origin = cluster.submit(request)
        for _ in 0..<500 where cluster.replies[origin] == nil { try cluster.step() }
        return cluster.replies[origin]?.first
    }

    @Test("what they say is true, and neither disturbs the other for ever", arguments: 1...12 as ClosedRange<UInt64>)
    func neitherDisturbsTheOtherForEver(_ seed: UInt64) throws {
        let first = try Cluster(seed: seed)
        let directories = try (0..<Self.directoryCount).map { try first.makeDirectory("\($0)", in: .root).id }
        try first.settle()
        let second = try Cluster(copyOf: first, seed: seed + 1_000)
        var outcomes: [Bool] = []
        for round in 0..<40 {
            let cluster = round % 2 == 0 ? first : second
            let (file, place) = ("file \(round)", round % Self.directoryCount)
            let made = try #require(try first.shards.makeFile(bytes(file), in: directories[place]))
            let answer = try move(file, directories, from: place, by: cluster)
            let destination = directories[(place + 1) % directories.count]
            let isMoved = try first.shards.lookup(bytes(file), in: destination).map(\.targetId) == .success(made.id)
            switch answer {
            case .success: #expect(isMoved, "\(file)")
            case .failure(let error): #expect(error == .fatalError && !isMoved, "\(file)")
            case nil: break
            }
            outcomes.append(answer.map { $0.error == nil } ?? false)
        }
        let takenOver = [first, second].map(\.coordinator.statistics.shardsTakenOver)
        #expect(takenOver.reduce(0, +) > 0)
        for (cluster, count) in zip([first, second], takenOver) {
            #expect(cluster.alarms.count { $0.contains("another coordinator works with shard") } == Int(count))
        }
        // Each shard is left to one of them, so nothing changes any more: a whole turn ends like the one before it.
        let turn = 2 * Self.directoryCount
        #expect(outcomes.suffix(turn) == outcomes.dropLast(turn).suffix(turn), "\(outcomes)")

        // The other one was stopped, and this one is started again.
        try first.crashNow()
        for place in directories.indices {
            let file = "later \(place)"
            _ = try #require(try first.shards.makeFile(bytes(file), in: directories[place]))
            #expect(try move(file, directories, from: place, by: first)?.error == nil)
        }
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
        for place in directories.indices {
            _ = try #require(try first.shards.makeFile(bytes("file"), in: directories[place]))
            #expect(try move("file", directories, from: place, by: older)?.error == nil)
        }
        #expect(older.coordinator.statistics.shardsTakenOver == 0)
    }
}
