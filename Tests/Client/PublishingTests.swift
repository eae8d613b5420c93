import Client
import Protocol
import Testing

/// Versions of a file, on shards that know them and on shards that do not.
@Suite("Publishing", .timeLimit(.minutes(2))) struct PublishingTests {
    private static let name = Array("f".utf8)

    /// Everything beyond the base protocol that shards may know of names; each set knows more than the one before.
    static let shards: [Set<ProtocolExtension>] = [
        [], [.linkIfUnchanged], [.linkIfUnchanged, .linkWithSpan], [.publishing], [.publishing, .linkWithSpan],
    ]

    private func publication(
        _ condition: Publication.Condition, number: InodeID? = nil, supersedes: Bool = false
    ) -> Publication {
        Publication(
            directory: .root, name: Self.name, condition: condition, number: number, supersedes: supersedes)
    }

    /// A new file of so many bytes, published; its id and what came of it.
    private func publish(
        _ publication: Publication, _ bytes: Int, _ cluster: FakeCluster
    ) async throws(ClientError) -> (id: InodeID, version: PublishedVersion) {
        let writer = try await cluster.client.createFile(in: .root, note: [])
        if bytes > 0 { try await writer.write(FileRoundTripTests.content(bytes), at: 0) }
        let version = try await writer.finish(publication)
        return (writer.id, version)
    }

    private func refusal(
        of publication: Publication, _ cluster: FakeCluster
    ) async throws -> ProtocolError? {
        do throws(ClientError) {
            _ = try await publish(publication, 10, cluster)
            return nil
        } catch {
            return error.code
        }
    }

    @Test("conditions hold wherever the file ends: without contents, in the metadata, in blocks", arguments: shards)
    func conditions(_ extensions: Set<ProtocolExtension>) async throws {
        try await FakeCluster.run(extensions: extensions.union([.fetchPageSums])) { cluster in
            let client = cluster.client
            var present = try await publish(publication(.nothing), 0, cluster).id
            for bytes in [0, 100, 5000] {
                let next = try await publish(publication(.version(present)), bytes, cluster).id
                #expect(try await refusal(of: publication(.version(present)), cluster) == .mismatchingTarget)
                #expect(try await refusal(of: publication(.nothing), cluster) == .cannotOverrideName)
                #expect(try await client.target(of: Self.name, in: .root) == next)
                #expect(try await client.version(of: next).attributes.size == UInt64(bytes))
                #expect(
                    try await FileRoundTripTests.readAll(next, cluster) == FileRoundTripTests.content(bytes))
                present = next
            }
            let last = try await publish(publication(.anything), 10, cluster).id
            #expect(try await client.target(of: Self.name, in: .root) == last)
        }
    }

    @Test("the number stays where shards know numbers, elsewhere each version has its own", arguments: shards)
    func numbers(_ extensions: Set<ProtocolExtension>) async throws {
        try await FakeCluster.run(extensions: extensions.union([.fetchPageSums])) { cluster in
            let client = cluster.client
            let (first, published) = try await publish(publication(.nothing), 10, cluster)
            #expect(published.number == first)
            var present = first
            for bytes in [0, 100, 5000] {
                let number = try await client.version(of: present).number
                let next = publication(.version(present), number: number, supersedes: true)
                let (id, version) = try await publish(next, bytes, cluster)
                let expected = extensions.contains(.publishing) ? first : id
                #expect(version.number == expected)
                #expect(try await client.version(of: id).number == expected)
                #expect(try await client.newestVersion(ofFile: expected, near: id).attributes.id == id)
                // Who has the one before open goes on reading it.
                #expect(try await client.version(of: present).attributes.id == present)
                present = id
            }
        }
    }

    @Test("one request ends a small version") func requests() async throws {
        let kinds = try await FakeCluster.run(extensions: [.publishing, .linkWithSpan, .fetchPageSums]) { cluster in
            let (first, _) = try await publish(publication(.nothing), 100, cluster)
            _ = try await publish(publication(.version(first), number: first, supersedes: true), 100, cluster)
            _ = try await publish(publication(.anything), 100, cluster)
            return cluster.shards.kinds.filter { !$0.isReadOnly && $0 != .constructFile }
        }
        #expect(kinds == [.publishFile, .publishFile, .linkFileWithSpan])
    }

    @Test("a lost answer is asked for again, whatever the file ends with", arguments: [0, 100, 5000])
    func lostAnswers(_ bytes: Int) async throws {
        try await FakeCluster.run(extensions: [.publishing, .fetchPageSums]) { cluster in
            cluster.shards.fate = { kind, repetition in
                kind == ShardKind.publishFile.rawValue && repetition == 0 ? .loseAnswer : .normal
            }
            let (first, _) = try await publish(publication(.nothing), bytes, cluster)
            let next = publication(.version(first), number: first)
            #expect(try await publish(next, bytes, cluster).version.number == first)
        }
    }

    @Test("who hears only of a newer version has published all the same") func overtaken() async throws {
        try await FakeCluster.run(extensions: [.publishing, .fetchPageSums]) { cluster in
            let client = cluster.client
            let (first, _) = try await publish(publication(.nothing), 10, cluster)
            let file = try await client.construct(in: InodeID.root.shard, note: [])
            let other = try await client.construct(in: InodeID.root.shard, note: [])
            // The answer is lost, and before the request comes again somebody else publishes the next version.
            cluster.shards.fate = { kind, repetition in
                guard kind == ShardKind.publishFile.rawValue else { return .normal }
                return repetition == 0 ? .loseAnswer : .normal
            }
            cluster.shards.afterLoss = { shards in
                shards.publishNext(other, Self.name, over: file.id, number: first)
            }
            let version = try await client.publish(file, publication(.version(first), number: first))
            #expect(version.number == first)
            #expect(try await client.target(of: Self.name, in: .root) == other.id)
        }
    }
}
