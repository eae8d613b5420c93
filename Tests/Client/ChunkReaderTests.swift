import Client
import Erasure
import EventLoop
import Protocol
import TestSupport
import Testing

/// Chunks of imaginary blocks that are missing, corrupt or slow, in all combinations up to P and beyond.
@Suite(.timeLimit(.minutes(1))) struct ChunkReaderTests {
    /// Answers from memory, some time later, in any order.
    private final class Blocks: PageFetching {
        enum Fault {
            case missing, corrupt, silent
            /// Pages of somewhere else; their own checksums are right.
            case foreign
        }

        let loop: EventLoop
        var contents: [BlockID: [UInt8]] = [:]
        var faults: [BlockID: Fault] = [:]
        private var generator: SeededGenerator

        init(_ loop: EventLoop, seed: UInt64) {
            self.loop = loop
            generator = SeededGenerator(seed: seed)
        }

        func fetch(
            _ source: BlockSource, _ range: Range<Int>, into memory: PooledBuffer, sums: PageSums,
            completion: @escaping (Result<Void, ClientError>) -> Void
        ) {
            let content = stored(source)
            let fault = faults[source.block]
            guard fault != .silent else { return }
            loop.timer(afterNanoseconds: .random(in: 0..<3_000_000, using: &generator)) {
                switch fault {
                case .missing?: completion(.failure(ClientError(.refused(.blockNotFound), "test")))
                case .corrupt?: completion(.failure(ClientError(.corruptPage, "test")))
                default:
                    UnsafeMutableRawBufferPointer(start: memory.base, count: range.count).copyBytes(
                        from: content[range])
                    Self.fill(sums, content[range])
                    completion(.success(()))
                }
            }
        }

        func fetchSums(
            _ source: BlockSource, into sums: PageSums, isTrial: Bool,
            completion: @escaping (Result<Void, ClientError>) -> Void
        ) {
            let content = stored(source)
            let fault = faults[source.block]
            guard fault != .silent else { return }
            loop.timer(afterNanoseconds: .random(in: 0..<3_000_000, using: &generator)) {
                if fault == .missing { return completion(.failure(ClientError(.refused(.blockNotFound), "test"))) }
                Self.fill(sums, content[...])
                completion(.success(()))
            }
        }

        private func stored(_ source: BlockSource) -> [UInt8] {
            let content = contents[source.block] ?? []
            guard faults[source.block] == .foreign else { return content }
            // The last page comes first; a single page becomes another one.
            return content.count > 4096 ? Array(content.suffix(4096) + content.dropLast(4096)) : content.map { ~$0 }
        }

        private static func fill(_ sums: PageSums, _ content: ArraySlice<UInt8>) {
            for page in 0..<sums.count {
                let start = content.startIndex + page * 4096
                sums.values[page] = content[start..<start + 4096].withUnsafeBytes { Castagnoli.sum($0) }
            }
        }
    }

    private struct Outcome: Sendable {
        var isRight = true
        var failures = 0
    }

    /// Reads every chunk of every data block of one span.
    /// - Parameter unit: bytes of a chunk; nil: of a whole block.
    private static func read(
        seed: UInt64, faults count: Int, _ kinds: [Int], unit: Int? = nil
    ) async throws -> Outcome {
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
                    block: BlockID(rawValue: UInt64(index) << 8),
                    crc: CRC32C(rawValue: cells[index].withUnsafeBytes { Castagnoli.sum($0) }))
            }
            for (source, cell) in zip(sources, cells) { blocks.contents[source.block] = cell }
            for (index, victim) in Array(0..<code.blocks).shuffled(using: &generator).prefix(count).enumerated() {
                let faults: [Blocks.Fault] = [.missing, .corrupt, .silent, .foreign]
                blocks.faults[sources[victim].block] = faults[kinds[index % kinds.count]]
            }
            let span = SpanInfo(byteOffset: 0, logicalBytes: UInt64(data * cell), content: .blocks(layout, sources))
            let core = cluster.client.core
            let verifier = BlockVerifier(loop: cluster.loop, fetcher: blocks, budgetBytes: 1 << 10)
            verifier.asksForSums = true
            let reader = ChunkReader(
                loop: cluster.loop, pool: core.pool, cache: ChunkCache(budgetBytes: 1 << 20), fetcher: blocks,
                verifier: verifier, health: ServiceHealth(avoidNanoseconds: 1_000_000_000))
            return await Self.readAll(reader, span, cells, data, unit ?? cell)
        }
    }

    private static func readAll(
        _ reader: ChunkReader, _ span: SpanInfo, _ cells: [[UInt8]], _ data: Int, _ unit: Int
    ) async -> Outcome {
        await withCheckedContinuation { continuation in
            var outcome = Outcome()
            let ranges = stride(from: 0, to: cells[0].count, by: unit).map { $0..<$0 + unit }
            var missing = data * ranges.count
            for (block, range) in (0..<data).flatMap({ block in ranges.map { (block, $0) } }) {
                guard let chunk = reader.chunk(span, block: block, range, keeps: true) else { continue }
                reader.start(chunk)
                chunk.whenReady { result in
                    switch result {
                    case .success(let memory):
                        let bytes = UnsafeRawBufferPointer(start: memory.base, count: unit)
                        if !bytes.elementsEqual(cells[block][range]) { outcome.isRight = false }
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

    @Test(arguments: 1...32) func upToPFaultsOfAnyKindCostNothing(seed: UInt64) async throws {
        for count in 0...3 {
            let kinds = [Int(seed % 4), Int(seed / 4 % 4), Int(seed / 16 % 4)]
            let outcome = try await Self.read(seed: seed, faults: count, kinds)
            #expect(outcome.isRight && outcome.failures == 0, "\(count) faults")
            let pages = try await Self.read(seed: seed, faults: count, kinds, unit: 4096)
            #expect(pages.isRight && pages.failures == 0, "\(count) faults, page by page")
        }
    }

    @Test(arguments: 1...10) func moreThanPFaultsAreErrorsAndNeverWrongBytes(seed: UInt64) async throws {
        for unit in [nil, 4096] {
            let outcome = try await Self.read(seed: seed, faults: 4, [0, 1, 3], unit: unit)
            #expect(outcome.isRight)
            // At least one of four faults is in a data block, and three others leave too little to restore it from.
            #expect(outcome.failures > 0)
        }
    }
}
