import Client
import EventLoop
import Protocol
import TestSupport
import Testing

/// Servers that are away, or in trouble, for a while: no file is given up for that.
@Suite(.timeLimit(.minutes(2))) struct OutageTests {
    typealias Files = FileRoundTripTests

    private static let bytes = Files.content(5 << 20)

    /// All block services go, and come back once that was noticed often enough.
    private static func loseBlocks(_ cluster: FakeCluster, until hangUps: Int = 40) {
        cluster.client.core.chunks.removeAll()
        for service in cluster.blocks.all { cluster.blocks.behaviours[service] = .hangsUp }
        cluster.blocks.onHangUp = { blocks, count in if count >= hangUps { blocks.behaviours = [:] } }
    }

    private static func run<T: Sendable>(
        _ body: @escaping @Sendable (FakeCluster) async throws -> T
    ) async throws -> T {
        var options = FakeCluster.testOptions
        options.avoidNanoseconds = 100_000_000
        return try await FakeCluster.run(options: options, extensions: [.fetchPageSums, .sharedSpans], body)
    }

    // MARK: Shards in trouble

    private static let troubles: [ProtocolError] = [.timeout, .internalError, .leaderPreempted]
    private static let kinds: [ShardKind] = [
        .addSpanInitiate, .addSpanCertify, .addInlineSpan, .moveSpan, .publishFile, .linkFile,
    ]

    @Test("whatever a shard has trouble with is asked again", arguments: kinds, troubles)
    func trouble(kind: ShardKind, code: ProtocolError) async throws {
        let bytes = Files.content((2 << 20) + 100)
        let extensions: Set<ProtocolExtension> = kind == .publishFile ? [.fetchPageSums, .publishing] : [.fetchPageSums]
        let (left, read) = try await FakeCluster.run(extensions: extensions) { cluster in
            cluster.shards.refusals = [kind: [code, code]]
            if kind == .moveSpan { cluster.blocks.behaviours = [1: .refusesWrites] }
            let writer = try await cluster.client.createFile(in: .root, note: Files.name)
            try await writer.write(bytes, at: 0)
            _ = try await writer.finish(Publication(directory: .root, name: Files.name, condition: .nothing))
            return (cluster.shards.refusals[kind]?.count, try await Files.readAll(writer.id, cluster))
        }
        #expect(left == 0)
        #expect(areEqual(read, bytes))
    }

    /// The answer is lost, somebody renames the file, and then its shard is away.
    @Test func whatBecameOfAPublicationIsFoundOut() async throws {
        var options = FakeCluster.testOptions
        options.shardTiming.overallNanoseconds = 200_000_000
        let extensions: Set<ProtocolExtension> = [.fetchPageSums, .publishing]
        let (lost, names) = try await FakeCluster.run(options: options, extensions: extensions) { cluster in
            nonisolated(unsafe) var lost = 0
            cluster.shards.fate = { kind, repetition in
                if kind == ShardKind.statVersion.rawValue, lost < 20 {
                    lost += 1
                    return .loseRequest
                }
                guard kind == ShardKind.publishFile.rawValue else { return .normal }
                if repetition == 1 { cluster.shards.rename(Files.name, to: [66]) }
                return repetition == 0 ? .loseAnswer : .normal
            }
            let writer = try await cluster.client.createFile(in: .root, note: Files.name)
            _ = try await writer.finish(Publication(directory: .root, name: Files.name, condition: .nothing))
            return (lost, Array(cluster.shards.names.keys))
        }
        #expect(lost == 20 && names == [[66]])
    }

    // MARK: Block services that are away

    /// Where it ends lies in the middle of a span.
    @Test func aCutFileWaitsForItsBlocks() async throws {
        let read = try await Self.run { cluster in
            let writer = try await cluster.client.createFile(in: .root, note: Files.name)
            try await writer.write(Self.bytes, at: 0)
            try await writer.stored()
            try await writer.truncate(to: 3_900_000)
            Self.loseBlocks(cluster)
            _ = try await writer.finish(linkingIn: .root, name: Files.name)
            return try await Files.readAll(writer.id, cluster)
        }
        #expect(areEqual(read, Array(Self.bytes[..<3_900_000])))
    }

    /// Its end is open again.
    @Test func aContinuedFileWaitsForItsBlocks() async throws {
        let old = Self.bytes + Files.content(3000, seed: 2)
        let read = try await Self.run { cluster in
            let id = try await Files.write(old, cluster)
            Self.loseBlocks(cluster)
            let writer = try await cluster.client.continueFile(id, size: UInt64(old.count), in: .root, note: Files.name)
            try await writer.write([7], at: UInt64(old.count))
            _ = try await writer.finish(linkingIn: .root, name: Files.name)
            return try await Files.readAll(writer.id, cluster)
        }
        #expect(areEqual(read, old + [7]))
    }

    private static func failure(_ step: () async throws -> Void) async -> ClientError? {
        do {
            try await step()
            return nil
        } catch {
            return error as? ClientError
        }
    }

    /// After some minutes the registry calls those stale that nobody has heard of; they have lost nothing by that.
    @Test func staleServicesAreAwayAndOthersGone() async throws {
        let (away, gone, read) = try await Self.run { cluster in
            let id = try await Files.write(Self.bytes, cluster)
            Self.loseBlocks(cluster, until: .max)
            cluster.blocks.flags = .stale
            let reader = try await cluster.client.open(id)
            let away = await Self.failure { _ = try await reader.read(at: 0, count: 4096) }
            cluster.blocks.flags = [.stale, .decommissioned]
            let gone = await Self.failure { _ = try await reader.read(at: 0, count: 4096) }
            // They are back, and nobody has told the shards.
            cluster.blocks.flags = .stale
            cluster.blocks.behaviours = [:]
            return (away, gone, try await Files.readAll(id, cluster))
        }
        #expect(away?.isOutage == true)
        #expect(gone?.cause == .tooManyBlocksMissing)
        #expect(areEqual(read, Self.bytes))
    }

    /// Nobody wants its own block, and of one that is wanted there is nothing any more.
    @Test func aServiceThatIsBackHelpsAtOnce() async throws {
        let (error, read) = try await Self.run { cluster in
            let id = try await Files.write(Array(Self.bytes[..<700_000]), cluster)
            cluster.client.core.chunks.removeAll()
            cluster.blocks.behaviours = [0: .lostEverything, 1: .hangsUp, 5: .hangsUp]
            let reader = try await cluster.client.open(id)
            let error = await Self.failure { _ = try await reader.read(at: 0, count: 4096) }
            cluster.blocks.behaviours[1] = nil
            return (error, try await reader.read(at: 0, count: 4096).bytes)
        }
        #expect(error?.isOutage == true)
        #expect(areEqual(read, Array(Self.bytes[..<4096])))
    }

    /// Whoever copies reads and writes instead.
    @Test func aCopyThatCannotBeCutFailsNothing() async throws {
        let (isDone, read) = try await Self.run { cluster in
            let id = try await Files.write(Self.bytes, cluster)
            let writer = try await cluster.client.createFile(in: .root, note: Files.name)
            Self.loseBlocks(cluster, until: .max)
            let isDone = try await writer.append(referringTo: id, 0..<3_899_392)
            cluster.blocks.behaviours = [:]
            try await writer.write(Array(Self.bytes[..<3_899_392]), at: 0)
            _ = try await writer.finish(linkingIn: .root, name: [66])
            return (isDone, try await Files.readAll(writer.id, cluster))
        }
        #expect(!isDone)
        #expect(areEqual(read, Array(Self.bytes[..<3_899_392])))
    }
}
