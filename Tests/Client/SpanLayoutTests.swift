import Client
import Protocol
import TestSupport
import Testing

/// Layout and coding of whole spans against the conformance vectors.
@Suite(.timeLimit(.minutes(2))) struct SpanLayoutTests {
    private struct Line: Decodable {
        let op: String
        let pattern: Pattern?
        let spanSize: UInt32?
        let targetStripeSize: UInt32?
        let parity: UInt8?
        let storageClass: UInt8?
        let stripes: Int?
        let cellSize: Int?
        let spanCrc: UInt32?
        let cellCrcs: [UInt32]?
        let blockCrcs: [UInt32]?
        let blockHeads: [HexBytes]?
    }

    @Test func vectors() throws {
        let pool = BufferPool(retainedBytes: 64 << 20)
        var seen = 0
        for line in try ConformanceVectors.load("spans.jsonl", as: Line.self) where line.op == "span" {
            try check(line, pool)
            seen += 1
        }
        #expect(seen > 10)
    }

    private func check(_ line: Line, _ pool: BufferPool) throws {
        let bytes = try #require(line.pattern).bytes
        let parity = Parity(rawValue: try #require(line.parity))
        let stripe = StripePolicy(targetStripeSize: try #require(line.targetStripeSize))
        let logicalBytes = try #require(line.spanSize)
        let policies = try #require(
            WritePolicies(span: .uniform(parity, maxSize: 100 << 20), block: .largeSite, stripe: stripe))
        let memory = try #require(pool.take(bytes.count + (2 << 20)))
        var buffer = SpanBuffer(memory: memory, capacity: bytes.count)
        bytes.withUnsafeBytes { buffer.write($0, at: 0) }
        let span = try #require(
            SpanEncoder.encode(
                memory, filled: bytes.count, logicalBytes: logicalBytes, policies: policies, pool: pool))
        guard case .blocks(let blocks) = span.content else {
            Issue.record("an inline span")
            return
        }
        #expect(blocks.layout.stripes == line.stripes && blocks.layout.cellBytes == line.cellSize)
        #expect(blocks.layout.storageClass.rawValue == line.storageClass)
        #expect(span.crc.rawValue == line.spanCrc)
        #expect(blocks.cellCRCs.map(\.rawValue) == line.cellCrcs)
        #expect(blocks.blockCRCs.map(\.rawValue) == line.blockCrcs)
        let heads = (0..<blocks.layout.blocks).map { Array(blocks.segments(ofBlock: $0)[0].prefix(16)) }
        #expect(heads == line.blockHeads?.map(\.bytes))
        let sizes = (0..<blocks.layout.blocks).map { blocks.segments(ofBlock: $0).reduce(0) { $0 + $1.count } }
        #expect(sizes.allSatisfy { $0 == blocks.layout.blockBytes })
    }

    /// services.md 0.7, with mirroring of small spans: sizes beside their data blocks, around every step.
    @Test(
        arguments: [
            (256, 1), (4095, 1), (4096, 1), (16_384, 1), (16_385, 10), ((1 << 20) - 1, 10), (1 << 20, 10),
            ((1 << 20) + 1, 10), (4_997_120, 10), (4_997_121, 2), (7_495_680, 2), (7_495_681, 3), (12_492_800, 4),
            (24_985_600, 9), (24_985_601, 10), (27_484_160, 10),
        ] as [(size: Int, data: Int)])
    func largeSiteLayouts(size: Int, data: Int) throws {
        let policies = try #require(WritePolicies(span: .largeSite, block: .largeSite, stripe: .oneMebibyte))
        let layout = try #require(policies.layout(dataBytes: size))
        #expect(layout.paddedBytes >= size && layout.paddedBytes <= SpanEncoder.bufferBytes(policies))
        #expect(layout.parity == Parity(data: data, parity: 4))
        #expect(layout.storageClass == (layout.blockBytes > 2_498_560 ? .hdd : .flash))
        #expect(policies.layout(dataBytes: 27_484_161) == nil)
    }

    @Test func everyLayoutFitsItsBuffer() throws {
        var generator = SeededGenerator(seed: 11)
        for _ in 0..<3000 {
            let data = Int.random(in: 1...15, using: &generator)
            let parity = Parity(data: data, parity: data == 1 ? 0 : 1)
            let largest = UInt32.random(in: 1...2000, using: &generator) * 4096
            let stripe = UInt32.random(in: 1...(2 << 20), using: &generator)
            let policies = try #require(
                WritePolicies(
                    span: .uniform(parity, maxSize: largest), block: .largeSite,
                    stripe: StripePolicy(targetStripeSize: stripe)))
            let size = Int.random(in: 1...Int(largest), using: &generator)
            let layout = try #require(policies.layout(dataBytes: size))
            #expect(layout.paddedBytes >= size && layout.paddedBytes <= SpanEncoder.bufferBytes(policies))
        }
    }

    @Test func unusablePoliciesAreRefused() {
        let stripe = StripePolicy.oneMebibyte
        let none = SpanPolicy(entries: [])
        #expect(WritePolicies(span: none, block: .largeSite, stripe: stripe) == nil)
        #expect(WritePolicies(span: .largeSite, block: BlockPolicy(entries: []), stripe: stripe) == nil)
        #expect(WritePolicies(span: .largeSite, block: .largeSite, stripe: StripePolicy(targetStripeSize: 0)) == nil)
        let huge = SpanPolicy.uniform(Parity(data: 4, parity: 2), maxSize: 200 << 20)
        #expect(WritePolicies(span: huge, block: .largeSite, stripe: stripe) == nil)
        let bad = SpanPolicy.uniform(Parity(data: 4, parity: 0), maxSize: 1 << 20)
        #expect(WritePolicies(span: bad, block: .largeSite, stripe: stripe) == nil)
    }

    @Test func trailingZerosAreNotStored() throws {
        let pool = BufferPool(retainedBytes: 1 << 20)
        let memory = try #require(pool.take(8192))
        for length in [0, 1, 7, 8, 9, 4096] {
            let bytes = Array(repeating: UInt8(0), count: 8192)
            var buffer = SpanBuffer(memory: memory, capacity: 8192)
            bytes.withUnsafeBytes { buffer.write($0, at: 0) }
            let ones = Array(repeating: UInt8(1), count: length)
            ones.withUnsafeBytes { buffer.write($0, at: 0) }
            #expect(SpanEncoder.lengthWithoutTrailingZeros(memory.base, 8192) == length)
        }
    }
}
