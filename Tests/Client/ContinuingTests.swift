import Client
import Protocol
import Testing

/// A name that is taken only if it leads to what is expected.
@Suite(.timeLimit(.minutes(2))) struct ContinuingTests {
    /// Makes three versions of a file: the second continues the first, and so does the third, wrongly.
    private func threeVersions(
        _ extensions: Set<ProtocolExtension>,
        fate: @escaping @Sendable (UInt8, Int) -> FakeShards.Fate = { _, _ in .normal }
    ) async throws -> (kinds: Set<ShardKind>, isSecond: Bool, refusal: ProtocolError?) {
        try await FakeCluster.run(extensions: extensions.union([.fetchPageSums])) { cluster in
            cluster.shards.fate = fate
            let client = cluster.client
            let first = try await client.createFile(in: .root, note: [])
            _ = try await first.finish(linkingIn: .root, name: Array("f".utf8), ifUnchanged: .null)
            let second = try await client.createFile(in: .root, note: [])
            _ = try await second.finish(linkingIn: .root, name: Array("f".utf8), ifUnchanged: first.id)
            let third = try await client.createFile(in: .root, note: [])
            var refusal: ProtocolError?
            do throws(ClientError) {
                _ = try await third.finish(linkingIn: .root, name: Array("f".utf8), ifUnchanged: first.id)
            } catch {
                refusal = error.code
            }
            let isSecond = try await client.target(of: Array("f".utf8), in: .root) == second.id
            return (Set(cluster.shards.kinds), isSecond, refusal)
        }
    }

    @Test func shardsThatCanCompareAreAskedTo() async throws {
        let made = try await threeVersions([.linkIfUnchanged])
        #expect(made.isSecond && made.refusal == .mismatchingTarget)
        #expect(made.kinds.contains(.linkFileIfUnchanged) && !made.kinds.contains(.linkFile))
    }

    @Test func othersAreLookedAtBefore() async throws {
        let made = try await threeVersions([])
        #expect(made.isSecond && made.refusal == .mismatchingTarget)
        #expect(!made.kinds.contains(.linkFileIfUnchanged) && made.kinds.contains(.linkFile))
    }

    @Test func aLostAnswerIsAskedForAgain() async throws {
        let made = try await threeVersions([.linkIfUnchanged]) { kind, repetition in
            kind == ShardKind.linkFileIfUnchanged.rawValue && repetition == 0 ? .loseAnswer : .normal
        }
        #expect(made.isSecond && made.refusal == .mismatchingTarget)
    }
}
