import Erasure
import TestSupport
import Testing

@Suite(.timeLimit(.minutes(2))) struct ReedSolomonTests {
    private struct Line: Decodable {
        let op: String
        let data: Int
        let parity: Int
        let rows: [HexBytes]?
        let dataCells: [HexBytes]?
        let parityCells: [HexBytes]?
        let have: [Int]?
        let haveCells: [HexBytes]?
        let want: Int?
        let wantCell: HexBytes?
    }

    /// Parity over arrays, through the pointers the library takes.
    static func encode(_ code: ReedSolomon, _ data: [[UInt8]]) -> [[UInt8]] {
        let length = data[0].count
        let input = data.flatMap { $0 }
        var output = [UInt8](repeating: 0xEE, count: code.parityBlocks * length + 1)
        input.withUnsafeBytes { input in
            output.withUnsafeMutableBytes { output in
                guard let source = input.baseAddress, let target = output.baseAddress else { return }
                code.encode(
                    data: (0..<code.dataBlocks).map { source + $0 * length },
                    parity: (0..<code.parityBlocks).map { target + $0 * length }, length: length)
            }
        }
        #expect(output.last == 0xEE, "wrote past the end")
        return (0..<code.parityBlocks).map { Array(output[$0 * length..<($0 + 1) * length]) }
    }

    static func recover(_ code: ReedSolomon, _ wanted: [Int], _ present: [[UInt8]?], _ length: Int) -> [[UInt8]]? {
        let input = present.flatMap { $0 ?? [UInt8](repeating: 0, count: length) }
        var output = [UInt8](repeating: 0xEE, count: wanted.count * length + 1)
        let done = input.withUnsafeBytes { input in
            output.withUnsafeMutableBytes { output -> Bool in
                guard let source = input.baseAddress, let target = output.baseAddress else { return false }
                return code.recover(
                    wanted, into: wanted.indices.map { target + $0 * length },
                    from: present.enumerated().map { $1 == nil ? nil : source + $0 * length }, length: length)
            }
        }
        #expect(output.last == 0xEE, "wrote past the end")
        guard done else { return nil }
        return wanted.indices.map { Array(output[$0 * length..<($0 + 1) * length]) }
    }

    @Test func vectors() throws {
        for line in try ConformanceVectors.load("rs.jsonl", as: Line.self) {
            let code = try #require(ReedSolomon.shared(dataBlocks: line.data, parityBlocks: line.parity))
            switch line.op {
            case "matrix":
                for (row, expected) in try #require(line.rows).enumerated() {
                    #expect(code.matrix.row(row) == expected.bytes)
                }
            case "encode":
                let parity = Self.encode(code, try #require(line.dataCells).map(\.bytes))
                #expect(parity == line.parityCells?.map(\.bytes))
            case "recover":
                var present = [[UInt8]?](repeating: nil, count: code.blocks)
                for (block, cell) in zip(try #require(line.have), try #require(line.haveCells)) {
                    present[block] = cell.bytes
                }
                let expected = try #require(line.wantCell).bytes
                #expect(Self.recover(code, [try #require(line.want)], present, expected.count) == [expected])
            default: Issue.record("unknown operation \(line.op)")
            }
        }
    }

    @Test func theInstalledKernelsAreUsed() {
        #expect(ReedSolomon.usesVectorKernels, "ISA-L disagrees with the scalar product: coding is right but slow")
    }

    @Test func impossibleParitiesAreRefused() {
        for (data, parity) in [(0, 4), (16, 1), (-1, 0), (4, 16), (4, -1)] {
            #expect(ReedSolomon.shared(dataBlocks: data, parityBlocks: parity) == nil)
        }
    }

    @Test(arguments: 1...15) func everyCodeRestoresRandomLosses(data: Int) throws {
        var random = SeededGenerator(seed: UInt64(data))
        for parity in 0...15 {
            let code = try #require(ReedSolomon.shared(dataBlocks: data, parityBlocks: parity))
            for length in [1, 31, 63, 64, 65, 127, 200, 4096] {
                let cells = (0..<data).map { _ in random.bytes(length) }
                let all = cells + Self.encode(code, cells)
                if parity > 0 { #expect(all[data] == xor(cells)) }
                let lost = (0..<code.blocks).shuffled(using: &random).prefix(parity).sorted()
                let present = all.enumerated().map { lost.contains($0) ? nil : $1 }
                #expect(Self.recover(code, lost, present, length) == lost.map { all[$0] })
                var tooFew = present
                if let extra = tooFew.firstIndex(where: { $0 != nil }) { tooFew[extra] = nil }
                #expect(Self.recover(code, [0], tooFew, length) == nil)
            }
        }
    }

    @Test func manyPatternsAndThreadsShareOneCode() async throws {
        let code = try #require(ReedSolomon.shared(dataBlocks: 10, parityBlocks: 5))
        await withTaskGroup(of: Void.self) { group in
            for seed in 0..<8 {
                group.addTask {
                    var random = SeededGenerator(seed: UInt64(100 + seed))
                    let cells = (0..<10).map { _ in random.bytes(96) }
                    let all = cells + Self.encode(code, cells)
                    for _ in 0..<200 {
                        let lost = (0..<15).shuffled(using: &random).prefix(5).sorted()
                        let present = all.enumerated().map { lost.contains($0) ? nil : $1 }
                        #expect(Self.recover(code, lost, present, 96) == lost.map { all[$0] })
                    }
                }
            }
        }
    }

    private func xor(_ cells: [[UInt8]]) -> [UInt8] {
        cells.dropFirst().reduce(cells[0]) { sum, cell in zip(sum, cell).map { $0 ^ $1 } }
    }
}
