import Client
import Protocol
import Testing

/// Policies come from directories further up, and what a client remembers of those may be of before a move.
@Suite(.timeLimit(.minutes(1))) struct PolicyChainTests {
    private static let upper = InodeID(type: .directory, shard: ShardID(rawValue: 0), index: 101)
    private static let lower = InodeID(type: .directory, shard: ShardID(rawValue: 0), index: 102)

    /// `lower` is in `upper` at first, which the client learns without looking further.
    private static func run(
        _ move: @escaping @Sendable (FakeShards) -> Void, thenAsking directory: InodeID
    ) async throws -> WritePolicies {
        try await FakeCluster.run { cluster in
            let none = DirectoryInfo(entries: [])
            var own = none
            try own.set(SnapshotPolicy.thirtyDays)
            cluster.shards.directories = [upper: (.root, none), lower: (upper, own)]
            _ = try await cluster.client.snapshotPolicy(of: lower)
            move(cluster.shards)
            return try await cluster.client.writePolicies(of: directory)
        }
    }

    @Test func directoriesThatChangedPlacesAreNoCircle() async throws {
        let policies = try await Self.run({ shards in
            shards.directories[Self.lower]?.parent = .root
            shards.directories[Self.upper]?.parent = Self.lower
        }, thenAsking: Self.upper)
        #expect(policies.layout(dataBytes: 1 << 20) != nil)
    }

    @Test func aParentThatHasGoneIsNoLongerAsked() async throws {
        let policies = try await Self.run({ shards in
            shards.directories[Self.lower]?.parent = .root
            shards.directories[Self.upper]?.parent = InodeID?.none
        }, thenAsking: Self.lower)
        #expect(policies.layout(dataBytes: 1 << 20) != nil)
    }

    @Test func aDirectoryThatHasGoneItselfIsNotFound() async throws {
        await #expect(throws: ClientError.self) {
            _ = try await Self.run({ $0.directories[Self.upper]?.parent = InodeID?.none }, thenAsking: Self.upper)
        }
    }
}
