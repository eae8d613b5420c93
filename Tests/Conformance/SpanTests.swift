import Erasure
import Protocol
import Testing

/// Checksums, erasure coding, and how spans are laid out.
@Suite(.timeLimit(.minutes(5)))
struct SpanTests {
    @Test func checksums() throws {
        try VectorFile.run("crc32c.jsonl") { line in
            let expected: UInt32 = try line.value("crc")
            switch try line.member("op").string {
            case "sum":
                let data = try Self.data(line)
                try require(Self.sum(data, try line.value("initial")) == expected, "sum")
            case "append":
                let (first, second): (UInt32, UInt32) = (try line.value("crcA"), try line.value("crcB"))
                let length = try line.member("lenB").integer(UInt64.self)
                try require(Castagnoli.append(first, second, secondLength: length) == expected, "append")
                guard line.has("aHex") else { return }
                try require(Self.sum(try line.bytes("aHex") + line.bytes("bHex")) == expected, "of the data")
            case "xor":
                let (first, second): (UInt32, UInt32) = (try line.value("crcA"), try line.value("crcB"))
                let length = try line.member("len").integer(UInt64.self)
                try require(Castagnoli.xor(first, second, length: length) == expected, "xor")
                guard line.has("aHex") else { return }
                let data = zip(try line.bytes("aHex"), try line.bytes("bHex")).map { $0 ^ $1 }
                try require(Self.sum(data) == expected, "of the data")
            case "zeroExtend":
                let (crc, zeros) = (try line.value("crc0") as UInt32, try line.member("zeros").integer(Int64.self))
                try require(Castagnoli.zeroExtend(crc, by: zeros) == expected, "zeroExtend")
                try require(Castagnoli.zeroExtend(expected, by: -zeros) == crc, "and back")
            case let other: throw JSON.Mismatch("an operation instead of \(other)")
            }
        }
    }

    @Test func erasureCoding() throws {
        try VectorFile.run("rs.jsonl") { line in
            let parity: Parity = try line.value("byte")
            let code = try #require(ReedSolomon.shared(dataBlocks: parity.data, parityBlocks: parity.parity))
            switch try line.member("op").string {
            case "matrix":
                // Byte j of data cell j is one, so that the parity cells are the rows of the matrix.
                let cells = (0..<code.dataBlocks).map { index in
                    (0..<code.dataBlocks).map { UInt8($0 == index ? 1 : 0) }
                }
                let expected = try line.member("rows").elements.map { try $0.hex }
                try require(Self.encode(code, cells) == expected, "matrix")
            case "encode":
                let cells = try line.member("dataCells").elements.map { try $0.hex }
                let expected = try line.member("parityCells").elements.map { try $0.hex }
                try require(Self.encode(code, cells) == expected, "encode")
            case "recover":
                let have = try line.member("have").elements.map { try $0.integer(Int.self) }
                let cells = try line.member("haveCells").elements.map { try $0.hex }
                let want = try line.member("want").integer(Int.self)
                let recovered = Self.recover(code, want, Dictionary(uniqueKeysWithValues: zip(have, cells)))
                try require(recovered == (try line.bytes("wantCell")), "recover")
            case let other: throw JSON.Mismatch("an operation instead of \(other)")
            }
        }
    }

    @Test func spans() throws {
        try VectorFile.run("spans.jsonl") { line in
            switch try line.member("op").string {
            case "span": try Self.span(line)
            case "pickSpanPolicy":
                let policy: SpanPolicy = try line.value("policy")
                let size = try line.member("size").integer(UInt64.self)
                try require(policy.parity(forSize: size) == (try line.value("parity")), "parity")
            case "pickBlockPolicy":
                let policy: BlockPolicy = try line.value("policy")
                let size = try line.member("size").integer(UInt64.self)
                try require(policy.storageClass(forBlockSize: size) == (try line.value("storageClass")), "class")
            case "pickStripes":
                let policy = StripePolicy(targetStripeSize: try line.value("targetStripeSize"))
                let size = try line.member("size").integer(UInt64.self)
                try require(policy.stripes(forSize: size) == (try line.member("stripes").integer()), "stripes")
            case let other: throw JSON.Mismatch("an operation instead of \(other)")
            }
        }
    }
}

extension SpanTests {
    /// Lays out a span by the rules for writers and compares everything that results.
    private static func span(_ line: JSON) throws {
        var data = try data(line)
        let parity: Parity = try line.value("parity")
        let stripes = StripePolicy(targetStripeSize: try line.value("targetStripeSize"))
            .stripes(forSize: UInt64(data.count))
        let block = (data.count + parity.data - 1) / parity.data
        let cell = ((block + stripes - 1) / stripes + 4095) / 4096 * 4096
        try require(stripes == (try line.member("stripes").integer()), "stripes")
        try require(cell == (try line.member("cellSize").integer()), "cell size")
        let storageClass = BlockPolicy.largeSite.storageClass(forBlockSize: UInt64(stripes * cell))
        try require(storageClass == (try line.value("storageClass")), "storage class")

        data += [UInt8](repeating: 0, count: stripes * parity.data * cell - data.count)
        let code = try #require(ReedSolomon.shared(dataBlocks: parity.data, parityBlocks: parity.parity))
        var (cellCrcs, stripeCrcs): ([UInt32], [UInt32]) = ([], [])
        var blockCrcs = [UInt32](repeating: 0, count: parity.blocks)
        var spanCrc: UInt32 = 0
        for stripe in 0..<stripes {
            let cells = (0..<parity.data).map { Array(data[((stripe * parity.data + $0) * cell)...].prefix(cell)) }
            let all = cells + encode(code, cells)
            let crcs = all.map { sum($0) }
            cellCrcs += crcs
            stripeCrcs.append(
                crcs.prefix(parity.data).reduce(0) { Castagnoli.append($0, $1, secondLength: UInt64(cell)) })
            spanCrc = Castagnoli.append(spanCrc, stripeCrcs[stripe], secondLength: UInt64(parity.data * cell))
            blockCrcs = zip(blockCrcs, crcs).map { Castagnoli.append($0, $1, secondLength: UInt64(cell)) }
            guard stripe == 0 else { continue }
            let heads = try line.member("blockHeads").elements.map { try $0.hex }
            try require(all.map { Array($0.prefix(16)) } == heads, "block heads")
        }
        let surplus = try line.member("spanSize").integer(Int64.self) - Int64(data.count)
        try require(Castagnoli.zeroExtend(spanCrc, by: surplus) == (try line.value("spanCrc")), "span CRC")
        try require(cellCrcs == (try line.list("cellCrcs")), "cell CRCs")
        try require(stripeCrcs == (try line.list("stripeCrcs")), "stripe CRCs")
        try require(blockCrcs == (try line.list("blockCrcs")), "block CRCs")
    }

    /// What a line calls `dataHex`, `pattern` or `zeroBytes`.
    private static func data(_ line: JSON) throws -> [UInt8] {
        if line.has("dataHex") { return try line.bytes("dataHex") }
        if line.has("zeroBytes") { return [UInt8](repeating: 0, count: try line.member("zeroBytes").integer()) }
        let pattern = try line.member("pattern")
        let factor = try pattern.member("mul").integer(Int.self)
        let summand = try pattern.member("add").integer(Int.self)
        return (0..<(try pattern.member("len").integer(Int.self))).map { index in
            UInt8(truncatingIfNeeded: index &* factor &+ summand &+ (index >> 8))
        }
    }

    private static func sum(_ bytes: [UInt8], _ initial: UInt32 = 0) -> UInt32 {
        bytes.withUnsafeBytes { Castagnoli.sum($0, initial: initial) }
    }

    private static func encode(_ code: ReedSolomon, _ cells: [[UInt8]]) -> [[UInt8]] {
        let length = cells[0].count
        let parity = [[UInt8]](repeating: [UInt8](repeating: 0, count: length), count: code.parityBlocks)
        let memory = CellMemory(cells + parity)
        code.encode(
            data: memory.cells[..<code.dataBlocks].map { UnsafeRawPointer($0) },
            parity: Array(memory.cells[code.dataBlocks...]), length: length)
        return memory.bytes.suffix(code.parityBlocks).map { $0 }
    }

    private static func recover(_ code: ReedSolomon, _ want: Int, _ have: [Int: [UInt8]]) -> [UInt8]? {
        let length = have.values.first?.count ?? 0
        let memory = CellMemory((0..<code.blocks).map { have[$0] ?? [UInt8](repeating: 0, count: length) })
        let present = (0..<code.blocks).map { have[$0] == nil ? nil : UnsafeRawPointer(memory.cells[$0]) }
        let isDone = code.recover([want], into: [memory.cells[want]], from: present, length: length)
        return isDone ? memory.bytes[want] : nil
    }
}

/// Cells of equal length at addresses that stay.
private final class CellMemory {
    let cells: [UnsafeMutableRawPointer]
    private let length: Int

    init(_ contents: [[UInt8]]) {
        length = contents[0].count
        cells = contents.map { content in
            let cell = UnsafeMutableRawPointer.allocate(byteCount: content.count, alignment: 64)
            content.withUnsafeBytes { UnsafeMutableRawBufferPointer(start: cell, count: $0.count).copyMemory(from: $0) }
            return cell
        }
    }

    deinit { for cell in cells { cell.deallocate() } }

    var bytes: [[UInt8]] { cells.map { Array(UnsafeRawBufferPointer(start: $0, count: length)) } }
}
