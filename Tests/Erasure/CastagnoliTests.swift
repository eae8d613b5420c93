import Erasure
import TestSupport
import Testing

@Suite(.timeLimit(.minutes(2))) struct CastagnoliTests {
    private struct Line: Decodable {
        let op: String
        let initial: UInt32?
        let dataHex: HexBytes?
        let pattern: Pattern?
        let zeroBytes: Int?
        let aHex: HexBytes?
        let bHex: HexBytes?
        let crcA: UInt32?
        let crcB: UInt32?
        let lenB: UInt64?
        let len: UInt64?
        let crc0: UInt32?
        let zeros: Int64?
        let crc: UInt32
    }

    private static func sum(_ bytes: [UInt8], initial: UInt32 = 0) -> UInt32 {
        bytes.withUnsafeBytes { Castagnoli.sum($0, initial: initial) }
    }

    /// The definition, bit by bit.
    private static func slowSum(_ bytes: [UInt8]) -> UInt32 {
        var register: UInt32 = ~0
        for byte in bytes {
            register ^= UInt32(byte)
            for _ in 0..<8 { register = register & 1 == 1 ? (register >> 1) ^ 0x82F6_3B78 : register >> 1 }
        }
        return ~register
    }

    @Test func vectors() throws {
        for line in try ConformanceVectors.load("crc32c.jsonl", as: Line.self) {
            switch line.op {
            case "sum":
                let zeros = line.zeroBytes.map { [UInt8](repeating: 0, count: $0) }
                let data = try #require(line.dataHex?.bytes ?? line.pattern?.bytes ?? zeros)
                #expect(Self.sum(data, initial: line.initial ?? 0) == line.crc)
            case "append":
                let (first, second) = (try #require(line.crcA), try #require(line.crcB))
                #expect(Castagnoli.append(first, second, secondLength: try #require(line.lenB)) == line.crc)
            case "xor":
                let (first, second) = (try #require(line.crcA), try #require(line.crcB))
                #expect(Castagnoli.xor(first, second, length: try #require(line.len)) == line.crc)
            case "zeroExtend":
                let (start, zeros) = (try #require(line.crc0), try #require(line.zeros))
                #expect(Castagnoli.zeroExtend(start, by: zeros) == line.crc)
                #expect(Castagnoli.zeroExtend(line.crc, by: -zeros) == start)
            default: Issue.record("unknown operation \(line.op)")
            }
        }
    }

    @Test func sumEqualsTheDefinitionAtEveryLengthAndSplit() {
        var random = SeededGenerator(seed: 1)
        for length in 0..<300 {
            let bytes = random.bytes(length)
            let expected = Self.slowSum(bytes)
            #expect(Self.sum(bytes) == expected)
            let split = Int.random(in: 0...length, using: &random)
            let (head, tail) = (Array(bytes[..<split]), Array(bytes[split...]))
            #expect(Self.sum(tail, initial: Self.sum(head)) == expected)
            #expect(Castagnoli.append(Self.sum(head), Self.sum(tail), secondLength: UInt64(tail.count)) == expected)
        }
    }

    @Test func xorOfEqualLengths() {
        var random = SeededGenerator(seed: 2)
        for length in [0, 1, 63, 64, 4096, 5000] {
            let (first, second) = (random.bytes(length), random.bytes(length))
            let both = zip(first, second).map { $0 ^ $1 }
            #expect(Castagnoli.xor(Self.sum(first), Self.sum(second), length: UInt64(length)) == Self.sum(both))
        }
    }

    @Test func aPartFollowsFromTheWholeAndTheOther() {
        var random = SeededGenerator(seed: 4)
        for length in [0, 1, 63, 4096, 5000, 100_000] {
            let bytes = random.bytes(length)
            let split = Int.random(in: 0...length, using: &random)
            let (head, tail) = (CRC32C(of: Array(bytes[..<split])), CRC32C(of: Array(bytes[split...])))
            #expect(CRC32C(of: bytes).without(suffix: tail, length: UInt64(length - split)) == head)
            #expect(CRC32C(of: bytes).without(prefix: head, restLength: UInt64(length - split)) == tail)
        }
    }

    @Test func extremeExtensionsInvert() {
        for zeros in [Int64.max, 1 << 40, 104_857_600, 1] {
            let start: UInt32 = 0xDEAD_BEEF
            #expect(Castagnoli.zeroExtend(Castagnoli.zeroExtend(start, by: zeros), by: -zeros) == start)
        }
        let smallest = Castagnoli.zeroExtend(7, by: .min)  // must not trap
        #expect(Castagnoli.zeroExtend(Castagnoli.zeroExtend(smallest, by: .max), by: 1) == 7)
        #expect(Castagnoli.append(5, 9, secondLength: 0) == 5 ^ 9)
    }

    @Test func pageShiftEqualsAppend() {
        var random = SeededGenerator(seed: 3)
        for shift in [CastagnoliShift.page, CastagnoliShift(length: 0), CastagnoliShift(length: 12_345_678)] {
            for _ in 0..<100 {
                let (first, second) = (UInt32.random(in: 0 ... .max, using: &random), UInt32.random(in: 0 ... .max))
                let expected = Castagnoli.append(first, second, secondLength: shift.length)
                #expect(shift.append(first, second) == expected)
            }
        }
    }
}

@Suite struct ChecksumValueTests {
    @Test func theTypedAlgebraIsTheSame() {
        let (first, second): ([UInt8], [UInt8]) = ([1, 2, 3, 4], [250, 0, 9, 17])
        let whole = CRC32C(of: first + second)
        #expect(CRC32C(of: first).appending(CRC32C(of: second), length: 4) == whole)
        #expect(second.withUnsafeBytes { CRC32C(of: first).continued(over: $0) } == whole)
        #expect(CRC32C(of: first).xor(CRC32C(of: second), length: 4) == CRC32C(of: zip(first, second).map { $0 ^ $1 }))
        #expect(CRC32C(of: first).zeroExtended(by: 3) == CRC32C(of: first + [0, 0, 0]))
        #expect(CRC32C(of: first + [0, 0, 0]).zeroExtended(by: -3) == CRC32C(of: first))
        #expect(CRC32C.ofZeros(5) == CRC32C(of: [0, 0, 0, 0, 0]))
    }
}
