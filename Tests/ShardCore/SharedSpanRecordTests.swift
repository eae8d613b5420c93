import Protocol
import ShardCore
import TestSupport
import Testing

/// The records of shared spans, byte by byte, and the counts of a body against plain numbers.
@Suite("Records of shared spans")
struct SharedSpanRecordTests {
    private let body = InodeID(type: .file, shard: ShardID(rawValue: 5), index: 3)

    private func hex(_ bytes: [UInt8]) -> String {
        bytes.map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined()
    }

    @Test("a reference is version 2 of what stands under a span's key; own spans stay version 1")
    func reference() throws {
        let reference = SpanReference(
            body: body, begin: 0x1000, end: 0x5000, length: 0x3000, cutCRC: CRC32C(rawValue: 0xdead_beef))
        let bytes = try Extent.reference(reference).encoded()
        #expect(
            hex(bytes) == "02" + "0503000000000040" + "0010000000000000" + "0050000000000000" + "0030000000000000"
                + "efbeadde")
        #expect(try Extent(decoding: bytes) == .reference(reference))
        let span = SpanRecord(size: 5, crc: CRC32C(rawValue: 1), content: .inline([7]))
        #expect(hex(try Extent.span(span).encoded()) == "01" + "05000000" + "01000000" + "01" + "0107")
        #expect(try Extent(decoding: try span.encoded()) == .span(span))
        // Impossible ones are corrupt.
        for (begin, end, length, crc) in [
            (0x1000, 0x1000, 0, 0), (0x2000, 0x1000, 1, 0), (0, 0x1000, 0x2000, 0), (0, 0x1000, 0, 0),
            (0, 0x1000, 0x1000, 1),
        ] as [(UInt64, UInt64, UInt64, UInt32)] {
            let bad = SpanReference(
                body: body, begin: begin, end: end, length: length, cutCRC: CRC32C(rawValue: crc))
            #expect(throws: DecodeError.self) { try Extent(decoding: try bad.encoded()) }
        }
        #expect(throws: DecodeError.self) { try Extent(decoding: [3] + bytes.dropFirst()) }
    }

    @Test("a body's record")
    func record() throws {
        let record = BodyRecord(
            runs: [BodyRecord.Run(end: 0x2000, count: 3), BodyRecord.Run(end: 0x3000, count: 1)], spanCount: 2)
        let bytes = try record.encoded()
        #expect(
            hex(bytes) == "01" + "02000000" + "0200" + "0020000000000000" + "03000000" + "0030000000000000"
                + "01000000")
        #expect(try BodyRecord(decoding: bytes) == record)
        var sparse = record
        sparse.holes = 0x1000
        let greater = try sparse.encoded()
        #expect(hex(greater) == "02" + "02000000" + "0010000000000000" + hex(Array(bytes.dropFirst(5))))
        #expect(try BodyRecord(decoding: greater) == sparse)
        #expect(throws: DecodeError.self) { try BodyRecord(decoding: [3] + greater.dropFirst()) }
        // What says nothing is not written.
        let nothing = greater.prefix(5) + [UInt8](repeating: 0, count: 8) + greater.dropFirst(13)
        #expect(throws: DecodeError.self) { try BodyRecord(decoding: Array(nothing)) }
        let falling = BodyRecord(
            runs: [BodyRecord.Run(end: 0x2000, count: 3), BodyRecord.Run(end: 0x2000, count: 1)], spanCount: 2)
        #expect(throws: DecodeError.self) { try BodyRecord(decoding: try falling.encoded()) }
    }

    @Test("counting references says the same as a number per span", arguments: 0..<20 as Range<UInt64>)
    func counts(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        var record = BodyRecord()
        var plain: [UInt32] = []
        for _ in 0..<400 {
            let begin = Int.random(in: 0...max(plain.count, 1), using: &random)
            let end = Int.random(in: 0...plain.count + 1, using: &random)
            let range = begin < end && end <= plain.count ? begin..<end : nil
            switch Int.random(in: 0..<5, using: &random) {
            case 0:
                record.append(4096, count: 1)
                plain.append(1)
            case 1, 2:
                #expect(record.retain(UInt64(begin) * 4096, UInt64(end) * 4096) == (range != nil))
                for index in range ?? 0..<0 { plain[index] += 1 }
            default:
                let isFine = range != nil && plain[begin..<end].allSatisfy { $0 > 0 }
                let shared = range.map { range in
                    range.reversed().first { plain[$0] <= 1 }.map { $0 + 1 } ?? range.lowerBound
                }
                if let range, let shared {
                    #expect(
                        record.beginOfShared(UInt64(range.lowerBound) * 4096, UInt64(range.upperBound) * 4096)
                            == UInt64(shared) * 4096)
                }
                #expect(record.release(UInt64(begin) * 4096, UInt64(end) * 4096) == isFine)
                if let range, isFine { for index in range { plain[index] -= 1 } }
                while plain.last == 0 { plain.removeLast() }
            }
            #expect(record.size == UInt64(plain.count) * 4096)
            for (index, count) in plain.enumerated() { #expect(record.count(at: UInt64(index) * 4096) == count) }
            #expect(record.runs.count <= max(1, plain.count))
        }
    }
}
