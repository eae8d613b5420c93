import Client
import Protocol
import Testing

/// What the shard is asked for when a small file is made.
@Suite(.timeLimit(.minutes(2))) struct SmallFileTests {
    /// The requests that change something, the content that can be read afterwards, and whether it came back the same.
    private func make(
        _ size: Int, _ extensions: Set<ProtocolExtension>,
        fate: @escaping @Sendable (UInt8, Int) -> FakeShards.Fate = { _, _ in .normal }
    ) async throws -> (kinds: [ShardKind], isSame: Bool) {
        try await FakeCluster.run(extensions: extensions.union([.fetchPageSums])) { cluster in
            cluster.shards.fate = fate
            let bytes = FileRoundTripTests.content(size)
            let id = try await FileRoundTripTests.write(bytes, cluster)
            let kinds = cluster.shards.kinds.filter { $0 != .statDirectory }
            return (kinds, try await FileRoundTripTests.readAll(id, cluster) == bytes)
        }
    }

    @Test(arguments: [1, 255]) func aTinyFileIsEndedByOneRequest(_ size: Int) async throws {
        let made = try await make(size, [.linkWithSpan])
        #expect(made.kinds == [.constructFile, .linkFileWithSpan])
        #expect(made.isSame)
    }

    @Test func theBaseProtocolTakesTwo() async throws {
        let made = try await make(255, [])
        #expect(made.kinds == [.constructFile, .addInlineSpan, .linkFile])
        #expect(made.isSame)
    }

    @Test func filesWithoutAnInlineSpanAtTheirEndAreMadeAsBefore() async throws {
        #expect(try await make(0, [.linkWithSpan]).kinds == [.constructFile, .linkFile])
        let made = try await make(4096, [.linkWithSpan])
        #expect(Set(made.kinds) == [.constructFile, .addSpanInitiate, .addSpanCertify, .linkFile])
        #expect(made.isSame)
    }

    @Test func aLostAnswerIsAskedForAgain() async throws {
        let made = try await make(100, [.linkWithSpan]) { kind, repetition in
            kind == ShardKind.linkFileWithSpan.rawValue && repetition == 0 ? .loseAnswer : .normal
        }
        #expect(made.kinds == [.constructFile, .linkFileWithSpan, .linkFileWithSpan])
        #expect(made.isSame)
    }

    @Test func aRefusalIsToldAndLeavesNothing() async throws {
        let (code, names) = try await FakeCluster.run(extensions: [.linkWithSpan, .fetchPageSums]) { cluster in
            cluster.shards.refusesLinks = true
            var code: ProtocolError?
            do throws(ClientError) {
                _ = try await FileRoundTripTests.write([1, 2, 3], cluster)
            } catch {
                code = error.code
            }
            return (code, cluster.shards.names.count)
        }
        #expect(code == .cannotOverrideName)
        #expect(names == 0)
    }
}
