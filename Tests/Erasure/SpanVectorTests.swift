import Erasure
import TestSupport
import Testing

/// Lays whole spans out and compares every checksum with the conformance vectors (wire-protocol section 12).
@Suite(.timeLimit(.minutes(2))) struct SpanVectorTests {
    private struct Line: Decodable {
        let op: String
        let pattern: Pattern?
        let spanSize: Int?
        let data: Int?
        let parityBlocks: Int?
        let stripes: Int?
        let cellSize: Int?
        let spanCrc: UInt32?
        let cellCrcs: [UInt32]?
        let stripeCrcs: [UInt32]?
        let blockCrcs: [UInt32]?
        let blockHeads: [HexBytes]?
    }

    @Test func spans() throws {
        var seen = 0
        for line in try ConformanceVectors.load("spans.jsonl", as: Line.self) where line.op == "span" {
            try check(line)
            seen += 1
        }
        #expect(seen > 0)
    }

    private func check(_ line: Line) throws {
        let (data, parity) = (try #require(line.data), try #require(line.parityBlocks))
        let (stripes, cell) = (try #require(line.stripes), try #require(line.cellSize))
        let code = try #require(ReedSolomon.shared(dataBlocks: data, parityBlocks: parity))
        var padded = try #require(line.pattern).bytes
        padded += [UInt8](repeating: 0, count: stripes * data * cell - padded.count)

        var spanCrc: UInt32 = 0
        var blockCrcs = [UInt32](repeating: 0, count: code.blocks)
        for stripe in 0..<stripes {
            let cells = (0..<data).map { Array(padded[(stripe * data + $0) * cell..<(stripe * data + $0 + 1) * cell]) }
            let all = cells + ReedSolomonTests.encode(code, cells)
            let crcs = all.map { $0.withUnsafeBytes { Castagnoli.sum($0) } }
            #expect(crcs == Array(try #require(line.cellCrcs)[stripe * code.blocks..<(stripe + 1) * code.blocks]))
            let stripeCrc = crcs[..<data].reduce(0) { Castagnoli.append($0, $1, secondLength: UInt64(cell)) }
            #expect(stripeCrc == line.stripeCrcs?[stripe])
            spanCrc = Castagnoli.append(spanCrc, stripeCrc, secondLength: UInt64(data * cell))
            blockCrcs = zip(blockCrcs, crcs).map { Castagnoli.append($0, $1, secondLength: UInt64(cell)) }
            if stripe == 0 { #expect(all.map { Array($0.prefix(16)) } == line.blockHeads?.map(\.bytes)) }
        }
        #expect(blockCrcs == line.blockCrcs)
        let surplus = Int64(try #require(line.spanSize)) - Int64(padded.count)
        #expect(Castagnoli.zeroExtend(spanCrc, by: surplus) == line.spanCrc)
    }
}
