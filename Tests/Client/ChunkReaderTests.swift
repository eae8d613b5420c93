import Client
import Erasure
import EventLoop
import Protocol
import Testing

/// Chunks of imaginary blocks that are missing, corrupt or slow, in all combinations up to P and beyond.
@Suite(.timeLimit(.minutes(1))) struct ChunkReaderTests {
    /// Answers from memory, some time later, in any order.
    private final class Blocks: PageFetching {
        enum Fault { case missing, corrupt, silent }

        let loop: EventLoop
        var contents: [BlockID: [UInt8]] = [:]
        var faults: [BlockID: Fault] = [:]
        private var generator: SeededGenerator

        init(_ loop: EventLoop, seed: UInt64) {
            self.loop = loop
            generator = SeededGenerator(seed: seed)
        }

        func fetch(
            _ source: BlockSource, _ range: Range<Int>, into memory: PooledBuffer,
            completion: @escaping (Result<Void, ClientError>) -> Void
        ) {
            let content = contents[source.block] ?? []
            let fault = faults[source.block]
            guard fault != .silent else { return }
            loop.timer(afterNanoseconds: .random(in: 0..<3_000_000, using: &generator)) {
                switch fault {
                case .missing?: completion(.failure(ClientError(.refused(.blockNotFound), "test")))
                case .corrupt?: completion(.failure(ClientError(.corruptPage, "test")))
                default:
                    UnsafeMutableRawBufferPointer(start: memory.base, count: range.count).copyBytes(
                        from: content[range])
                    completion(.success(()))
                }
            }
        }
    }

    private struct Outcome: Sendable {
        var isRight = true
        var failures = 0
    }

    /// Reads every chunk of every data block of one span.
    private static func read(seed: UInt64, faults count: Int, _ kinds: [Int]) async throws -> Outcome {
        try await FakeCluster.run { cluster in
            var generator = SeededGenerator(seed: seed)
            let data = Int.random(in: 2...6, using: &generator)
            let parity = 3
            let cell = Int.random(in: 1...4, using: &generator) * 4096
            let code = try #require(ReedSolomon.shared(dataBlocks: data, parityBlocks: parity))
            let layout = try #require(
                SpanLayout(
                    parity: Parity(data: data, parity: parity), stripes: 1, cellBytes: UInt32(cell),
                    storageClass: .flash))
            let blocks = Blocks(cluster.loop, seed: seed)
            var cells = (0..<data).map { FileRoundTripTests.content(cell, seed: seed * 100 + UInt64($0)) }
            cells += Self.encode(code, cells)
            let sources = (0..<code.blocks).map { index in
                BlockSource(
                    service: BlockService(
                        addrs: cluster.blocks.address, id: BlockServiceID(rawValue: UInt64(index)), flags: []),
                    block: BlockID(rawValue: UInt64(index) << 8), crc: .zero)
            }
            for (source, cell) in zip(sources, cells) { blocks.contents[source.block] = cell }
            for (index, victim) in Array(0..<code.blocks).shuffled(using: &generator).prefix(count).enumerated() {
                let faults: [Blocks.Fault] = [.missing, .corrupt, .silent]
                blocks.faults[sources[victim].block] = faults[kinds[index % kinds.count]]
            }
            let span = SpanInfo(byteOffset: 0, logicalBytes: UInt64(data * cell), content: .blocks(layout, sources))
            let core = cluster.client.core
            let reader = ChunkReader(
                loop: cluster.loop, pool: core.pool, cache: ChunkCache(budgetBytes: 1 << 20), fetcher: blocks,
                health: ServiceHealth(avoidNanoseconds: 1_000_000_000))
            return await Self.readAll(reader, span, cells, data, cell)
        }
    }

    private static func readAll(
        _ reader: ChunkReader, _ span: SpanInfo, _ cells: [[UInt8]], _ data: Int, _ cell: Int
    ) async -> Outcome {
        await withCheckedContinuation { continuation in
            var outcome = Outcome()
            var missing = data
            for block in 0..<data {
                guard let chunk = reader.chunk(span, block: block, 0..<cell, keeps: true) else { continue }
                reader.start(chunk)
                chunk.whenReady { result in
                    switch result {
                    case .success(let memory):
                        let bytes = UnsafeRawBufferPointer(start: memory.base, count: cell)
                        if !bytes.elementsEqual(cells[block]) { outcome.isRight = false }
                    case .failure: outcome.failures += 1
                    }
                    missing -= 1
                    if missing == 0 { continuation.resume(returning: outcome) }
                }
            }
        }
    }

    private static func encode(_ code: ReedSolomon, _ cells: [[UInt8]]) -> [[UInt8]] {
        let length = cells[0].count
        let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: code.blocks * length, alignment: 64)
        defer { memory.deallocate() }
        guard let base = memory.baseAddress else { return [] }
        for (index, cell) in cells.enumerated() { (base + index * length).copyMemory(from: cell, byteCount: length) }
        let parity = (code.dataBlocks..<code.blocks).map { base + $0 * length }
        code.encode(
            data: (0..<code.dataBlocks).map { UnsafeRawPointer(base + $0 * length) }, parity: parity, length: length)
        return parity.map { Array(UnsafeRawBufferPointer(start: $0, count: length)) }
    }

    @Test(arguments: 1...20) func upToPFaultsOfAnyKindCostNothing(seed: UInt64) async throws {
        for count in 0...3 {
            let outcome = try await Self.read(
                seed: seed, faults: count, [Int(seed % 3), Int(seed / 3 % 3), Int(seed / 9 % 3)])
            #expect(outcome.isRight && outcome.failures == 0, "\(count) faults")
        }
    }

    @Test(arguments: 1...10) func moreThanPFaultsAreErrorsAndNeverWrongBytes(seed: UInt64) async throws {
        let outcome = try await Self.read(seed: seed, faults: 4, [0, 1])
        #expect(outcome.isRight)
    }
}
