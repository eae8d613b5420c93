import Client
import Protocol
import TestSupport
import Testing

/// Files whose last span goes with their name, when nobody hears that they have it.
@Suite("Publications that nobody hears of", .timeLimit(.minutes(2))) struct UnheardPublicationTests {
    typealias Files = FileRoundTripTests

    /// What the writer says it is, is what the name leads to. Found by simulation: it was stored once more.
    @Test func theFileIsTheOneThatWasPublished() async throws {
        let extensions: Set<ProtocolExtension> = [.fetchPageSums, .publishing, .attributes]
        let publication = Publication(
            directory: .root, name: Files.name, change: InodeChange(ownership: Ownership(mode: 0o640)))
        let (named, id, made) = try await FakeCluster.run(extensions: extensions) { cluster in
            cluster.shards.fate = { kind, repetition in
                kind == ShardKind.publishFileWithAttributes.rawValue && repetition == 0 ? .loseAnswer : .normal
            }
            let writer = try await cluster.client.createFile(in: .root, note: Files.name)
            try await writer.write(Files.content(writer.policies.largestSpanBytes + 20), at: 0)
            _ = try await writer.finish(publication)
            let found = try await cluster.client.lookup(Files.name, in: .root)
            return (found.targetId, writer.id, cluster.shards.kinds.count { $0 == .constructFile })
        }
        #expect(named == id)
        #expect(made == 1)
    }
}
