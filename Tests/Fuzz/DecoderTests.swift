import DecoderFuzzing
import TestSupport
import Testing

/// The same hostile bytes in every run, through every decoder.
@Suite(.timeLimit(.minutes(2)))
struct DecoderTests {
    @Test(arguments: FuzzTarget.allCases)
    func randomBytes(_ target: FuzzTarget) {
        var random = SeededGenerator(seed: 1)
        for round in 0..<5_000 {
            var bytes = random.bytes(Int.random(in: 0...80, using: &random))
            // Mostly zeros and small numbers get further into a decoder than noise does.
            if round % 2 == 0 { bytes = bytes.map { $0 < 200 ? $0 & 3 : $0 } }
            if !bytes.isEmpty { bytes[0] = UInt8(truncatingIfNeeded: round) }
            expectFine(target, bytes)
        }
    }

    @Test(arguments: ["shard", "cdc", "registry", "blocks", "log"])
    func damagedVectors(_ service: String) throws {
        var random = SeededGenerator(seed: 2)
        for line in try vectors("\(service).jsonl") {
            let bytes = [line.kind ?? 0] + line.bytes
            let target = try #require(FuzzTarget(rawValue: "\(service)-\(line.direction ?? "")"))
            expectFine(target, bytes)
            for _ in 0..<40 { expectFine(target, damaged(bytes, &random)) }
        }
    }

    @Test func damagedStructures() throws {
        var random = SeededGenerator(seed: 3)
        for line in try vectors("structs.jsonl") {
            for selector in UInt8(0)..<11 {
                for _ in 0..<10 { expectFine(.structures, damaged([selector] + line.bytes, &random)) }
            }
        }
    }

    @Test func damagedPackets() throws {
        var random = SeededGenerator(seed: 4)
        for line in try vectors("framing.jsonl") {
            for _ in 0..<20 { expectFine(.framings, damaged([line.kind ?? 0] + line.bytes, &random)) }
        }
    }

    private func expectFine(_ target: FuzzTarget, _ bytes: [UInt8]) {
        let problem = bytes.withUnsafeBytes(target.feed)
        #expect(problem == nil, "\(target.rawValue) \(bytes)")
    }

    /// The bytes with a few of them changed, removed, repeated or added.
    private func damaged(_ bytes: [UInt8], _ random: inout SeededGenerator) -> [UInt8] {
        var bytes = bytes
        for _ in 0..<Int.random(in: 1...4, using: &random) {
            let place = Int.random(in: 1...max(1, bytes.count), using: &random)
            switch Int.random(in: 0..<4, using: &random) {
            case 0 where place < bytes.count: bytes[place] = UInt8.random(in: 0...255, using: &random)
            case 1 where place < bytes.count: bytes[place] ^= 1 << UInt8.random(in: 0..<8, using: &random)
            case 2: bytes.removeSubrange(min(place, bytes.count)...)
            default: bytes.insert(contentsOf: bytes[min(place, bytes.count)...].prefix(8), at: min(place, bytes.count))
            }
        }
        return bytes
    }

    // MARK: Vectors

    private struct Line: Decodable {
        var direction: String?
        var kind: UInt8?
        var hex: HexBytes

        var bytes: [UInt8] { hex.bytes }
    }

    /// The lines of a vector file, the largest messages left out.
    private func vectors(_ file: String) throws -> [Line] {
        try ConformanceVectors.load(file).filter { (line: Line) in line.bytes.count < 4096 }
    }
}
