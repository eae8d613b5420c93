import Client
import Protocol
import TestSupport
import Testing

/// Files whose last span is certified by the request that publishes them, when that does not go as planned.
@Suite("Certifying with the publication", .timeLimit(.minutes(2))) struct CertifiedPublicationTests {
    typealias Files = FileRoundTripTests

    private static let extensions: Set<ProtocolExtension> = [
        .fetchPageSums, .publishing, .linkWithSpan, .attributes, .certifyAndPublish,
    ]
    private static let bytes = Files.content(5000)

    private static let ownership = Ownership(mode: 0o640)
    private static let publication = Publication(
        directory: .root, name: Files.name, condition: .nothing, change: InodeChange(ownership: ownership))

    private static func written(_ cluster: FakeCluster) async throws -> FileWriter {
        let writer = try await cluster.client.createFile(in: .root, note: Files.name)
        try await writer.write(bytes, at: 0)
        return writer
    }

    /// The answer is lost and somebody renames the file: it is where it was meant to be, all the same.
    @Test func whatBecameOfItIsFoundOut() async throws {
        let (names, kinds, read) = try await FakeCluster.run(extensions: Self.extensions) { cluster in
            cluster.shards.fate = { kind, repetition in
                guard kind == ShardKind.certifyAndPublish.rawValue else { return .normal }
                if repetition == 1 { cluster.shards.rename(Files.name, to: [66]) }
                return repetition == 0 ? .loseAnswer : .normal
            }
            let writer = try await Self.written(cluster)
            let version = try await writer.finish(Self.publication)
            #expect(version.number == writer.id && version.ownership == Self.ownership)
            let kinds = cluster.shards.kinds
            return (Array(cluster.shards.names.keys), kinds, try await Files.readAll(writer.id, cluster))
        }
        #expect(names == [[66]])
        #expect(kinds.count { $0 == .certifyAndPublish } == 2 && !kinds.contains(.publishFileWithAttributes))
        #expect(areEqual(read, Self.bytes))
    }

    /// Its last span is finished all the same, so that what was written can be read.
    @Test func aFileThatIsRefusedItsNameIsWhole() async throws {
        let (code, kinds, isDirty) = try await FakeCluster.run(extensions: Self.extensions) { cluster in
            _ = try await Self.written(cluster).finish(Self.publication)
            let writer = try await Self.written(cluster)
            var code: ProtocolError?
            do throws(ClientError) {
                _ = try await writer.finish(Self.publication)
            } catch {
                code = error.code
            }
            return (code, cluster.shards.kinds.suffix(3), cluster.shards.files[writer.id]?.isDirty)
        }
        #expect(code == .cannotOverrideName)
        #expect(kinds == [.certifyAndPublish, .addSpanCertify, .publishFileWithAttributes])
        #expect(isDirty == false)
    }
}
