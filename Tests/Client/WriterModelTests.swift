import Client
import EventLoop
import Protocol
import TestSupport
import Testing

/// Random programs that write, cut, punch, read, sync, finish and continue a file, against a plain array of bytes.
@Suite(.serialized, .timeLimit(.minutes(4))) struct WriterModelTests {
    /// What makes it hard.
    enum World: Int, CaseIterable, Sendable {
        case plain, littleMemory, lossyShards, failingDisks, expiredFiles
    }

    @Test(arguments: 0..<16, World.allCases) func randomPrograms(seed: Int, world: World) async throws {
        try await run(seed, world, [.transientLifetime])
    }

    @Test(arguments: 0..<16, World.allCases) func withSharedSpans(seed: Int, world: World) async throws {
        try await run(seed + 1000, world, [.transientLifetime, .sharedSpans])
    }

    private func run(_ seed: Int, _ world: World, _ extensions: Set<ProtocolExtension>) async throws {
        var options = FakeCluster.testOptions
        if world == .littleMemory {
            options.patchBytes = 64 << 10
            options.openBufferBytes = 48 << 10
        }
        // What is lost comes again, however busy the machine is.
        options.shardTiming.overallNanoseconds = 60_000_000_000
        let mismatch = try await FakeCluster.run(
            largestSpan: UInt32(Program.span), stripe: 32768, options: options, extensions: extensions
        ) { cluster in
            Self.prepare(cluster, world)
            var program = Program(cluster, world, seed: seed * World.allCases.count + world.rawValue)
            return try await program.run()
        }
        #expect(mismatch == nil, "\(mismatch ?? "")")
    }

    private static func prepare(_ cluster: FakeCluster, _ world: World) {
        let shards = cluster.shards
        cluster.client.core.openFiles.clock = { shards.time }
        switch world {
        case .lossyShards:
            var count = 0
            // Of these a repetition is answered as at first.
            let mayBeDoubled: Set<ShardKind> = [.addInlineSpan, .linkFile, .localFileSpans, .fileSpans, .referSpans]
            shards.fate = { kind, repetition in
                count += 1
                guard repetition == 0, count % 9 == 0 else { return .normal }
                return ShardKind(rawValue: kind).map(mayBeDoubled.contains) == true ? .loseAnswer : .loseRequest
            }
        case .failingDisks: cluster.blocks.behaviours[3] = .refusesWrites
        case .plain, .littleMemory, .expiredFiles: break
        }
    }
}

/// One program. It stops at the first difference.
private struct Program {
    static let span = 128 << 10
    private static let steps = 60
    private static let longest = 1_200_000

    private let cluster: FakeCluster
    private let world: WriterModelTests.World
    private var generator: SeededGenerator
    private var model: [UInt8] = []
    private var writer: FileWriter?
    private var syncs: [Task<Bool, Never>] = []

    init(_ cluster: FakeCluster, _ world: WriterModelTests.World, seed: Int) {
        self.cluster = cluster
        self.world = world
        generator = SeededGenerator(seed: UInt64(seed))
    }

    /// What differs, if anything does.
    mutating func run() async throws -> String? {
        var writer = try await cluster.client.createFile(in: .root, note: [65])
        for step in 0..<Self.steps {
            if let mismatch = try await self.step(step, writer) { return "step \(step): \(mismatch)" }
            guard number(0..<12) == 0 else { continue }
            if let mismatch = try await finish(writer) { return "after step \(step): \(mismatch)" }
            let finished = writer.id
            writer = try await cluster.client.continueFile(
                finished, size: UInt64(model.count), in: .root, note: [65])
            // What refers to it does not need it any more, unless the file is lost.
            let refers = cluster.shards.files[writer.id]?.size ?? 0 > 0
            if world != .expiredFiles, refers { cluster.shards.forget(finished) }
        }
        return try await finish(writer)
    }

    private mutating func step(_ step: Int, _ writer: FileWriter) async throws -> String? {
        switch number(0..<20) {
        case 0...1:
            let size = number(0..<4) == 0 ? number(0..<model.count + 1) : number(0..<Self.longest)
            try await writer.truncate(to: UInt64(size))
            model = Array(model.prefix(size)) + Array(repeating: 0, count: max(0, size - model.count))
        case 2...3:
            let range = range(upTo: 300_000)
            try await writer.zero(UInt64(range.lowerBound)..<UInt64(range.upperBound))
            for offset in range.clamped(to: 0..<model.count) { model[offset] = 0 }
        case 4...7:
            let range = range(upTo: 200_000).clamped(to: 0..<model.count)
            let read = try await writer.read(at: UInt64(range.lowerBound), count: range.count).bytes
            if read != Array(model[range]) { return "\(range) reads wrongly, \(read.count) bytes" }
        case 8:
            try await writer.synchronize()
        case 9:
            // Others go on meanwhile.
            syncs.append(cluster.loop.task { (try? await writer.synchronize()) != nil })
        case 10 where world == .expiredFiles:
            cluster.shards.pass(3 * 3_600_000_000_000)
        case 11...13:
            write(at: model.count, step, writer)
            try await flush(writer)
        default:
            write(at: range(upTo: 1).lowerBound, step, writer)
            try await flush(writer)
        }
        return nil
    }

    private var pending: (offset: Int, bytes: [UInt8])?

    private mutating func write(at offset: Int, _ step: Int, _ writer: FileWriter) {
        let longest = number(0..<3) == 0 ? 150_000 : 6000
        let bytes = FileRoundTripTests.content(number(1..<longest), seed: UInt64(step))
        if offset > model.count { model += Array(repeating: 0, count: offset - model.count) }
        model.replaceSubrange(offset..<min(model.count, offset + bytes.count), with: bytes)
        pending = (offset, bytes)
    }

    /// In the way of a mount: at once if that can be, and otherwise nothing at once.
    private mutating func flush(_ writer: FileWriter) async throws {
        guard let (offset, bytes) = pending else { return }
        let size = await writer.size
        let isTaken = try bytes.withUnsafeBytes { try writer.writeNow($0, at: UInt64(offset)) }
        guard !isTaken else { return }
        let sizeNow = await writer.size
        #expect(sizeNow == size, "a part of what was not taken was written")
        try await writer.write(bytes, at: UInt64(offset))
    }

    private mutating func finish(_ writer: FileWriter) async throws -> String? {
        let waits = number(0..<2) == 0
        if waits { for sync in syncs where await !sync.value { return "a sync failed" } }
        _ = try await writer.finish(linkingIn: .root, name: [65])
        for sync in syncs { _ = await sync.value }
        syncs = []
        let reader = try await cluster.client.open(writer.id)
        guard reader.size == UInt64(model.count) else { return "\(reader.size) of \(model.count) bytes" }
        let read = try await FileRoundTripTests.readAll(writer.id, cluster, portion: 70_001)
        guard read == model else {
            let first = zip(read, model).enumerated().first { $1.0 != $1.1 }?.offset ?? -1
            return "the file differs at \(first)"
        }
        return await hasGivenBackPatches() ? nil : "memory for patches is left"
    }

    /// A worker may still be spooling what nobody needs any more.
    private func hasGivenBackPatches() async -> Bool {
        for _ in 0..<10_000 where cluster.client.core.patchMemory.usedBytes > 0 {
            await cluster.loop.sleep(nanoseconds: 1_000_000)
        }
        return cluster.client.core.patchMemory.usedBytes == 0
    }

    private mutating func number(_ range: Range<Int>) -> Int { Int.random(in: range, using: &generator) }

    /// Somewhere in the file, or a little beyond.
    private mutating func range(upTo longest: Int) -> Range<Int> {
        let start = number(0..<min(Self.longest, model.count + 200_000))
        return start..<start + number(1..<longest + 1)
    }
}
