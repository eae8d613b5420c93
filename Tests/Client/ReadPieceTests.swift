import Client
import Protocol
import TestSupport
import Testing

/// Page arithmetic of reads, by assembling bytes from imaginary blocks.
@Suite struct ReadPieceTests {
    @Test func piecesCoverEveryRange() throws {
        var generator = SeededGenerator(seed: 5)
        for _ in 0..<2000 {
            let layout = try #require(
                SpanLayout(
                    parity: Parity(data: Int.random(in: 1...6, using: &generator), parity: 2),
                    stripes: UInt8.random(in: 1...15, using: &generator),
                    cellBytes: UInt32.random(in: 1...5, using: &generator) * 4096, storageClass: .flash))
            let source = BlockSource(
                service: BlockService(
                    addrs: AddrsInfo(
                        addr1: IpPort(addrs: .any, port: 1), addr2: IpPort(addrs: .any, port: 0)),
                    id: BlockServiceID(rawValue: 1), flags: []), block: BlockID(rawValue: 0), crc: .zero)
            let length = Int.random(in: 1...(layout.paddedBytes + 10000), using: &generator)
            let span = SpanInfo(
                byteOffset: 0, logicalBytes: UInt64(length),
                content: .blocks(layout, Array(repeating: source, count: layout.blocks)))
            let start = Int.random(in: 0..<length, using: &generator)
            let end = Int.random(in: (start + 1)...length, using: &generator)
            let unit = [4096, 8192, 12288].randomElement(using: &generator) ?? 4096
            check(span, layout, start..<end, unit)
        }
    }

    private func check(_ span: SpanInfo, _ layout: SpanLayout, _ range: Range<Int>, _ unit: Int) {
        var pieces: [ReadPiece] = []
        ReadPiece.append(&pieces, span, range, unit)
        var position = range.lowerBound
        for piece in pieces {
            switch piece {
            case .zeros(let count):
                #expect(position >= layout.paddedBytes)
                position += count
            case .inline: Issue.record("inline")
            case .data(_, _, let part):
                // Where the layout's definition puts byte `position`.
                let cell = position / layout.cellBytes
                #expect(part.block == cell % layout.dataBlocks)
                let inBlock = cell / layout.dataBlocks * layout.cellBytes + position % layout.cellBytes
                #expect(part.wanted.lowerBound == inBlock)
                #expect(part.pages.lowerBound % 4096 == 0 && part.pages.upperBound % 4096 == 0)
                #expect(part.pages.clamped(to: part.cell) == part.pages)
                let aligned = part.aligned(unit: unit)
                #expect(aligned.clamped(to: part.cell) == aligned && aligned.count <= unit)
                #expect(part.wanted.clamped(to: aligned) == part.wanted)
                position += part.wanted.count
            }
        }
        #expect(position == range.upperBound)
    }

    @Test func inlineSpansAreExtendedWithZeros() {
        let span = SpanInfo(byteOffset: 0, logicalBytes: 100, content: .inline([1, 2, 3]))
        var pieces: [ReadPiece] = []
        ReadPiece.append(&pieces, span, 1..<10, 4096)
        guard pieces.count == 2, case .inline(let bytes) = pieces[0], case .zeros(let count) = pieces[1] else {
            Issue.record("\(pieces)")
            return
        }
        #expect(bytes == [2, 3] && count == 7)
    }

    @Test func readingInOrderIsRecognised() {
        var readAhead = ReadAhead()
        readAhead.note(0..<131_072)
        #expect(!readAhead.isActive)
        readAhead.note(131_072..<262_144)
        #expect(readAhead.isActive)
        var fetched = readAhead.takePrefetch(end: 1 << 30, limit: 8 << 20)
        #expect(fetched == UInt64(262_144)..<786_432)
        // Two reads that overtook each other are still in order.
        readAhead.note(393_216..<524_288)
        readAhead.note(262_144..<393_216)
        #expect(readAhead.isActive)
        readAhead.note(900_000_000..<900_004_096)
        #expect(!readAhead.isActive)
        fetched = readAhead.takePrefetch(end: 1 << 30, limit: 8 << 20)
        #expect(fetched == nil)
    }

    @Test func prefetchingNeverPassesTheEndOrRepeats() {
        var generator = SeededGenerator(seed: 8)
        var readAhead = ReadAhead()
        let end: UInt64 = 40_000_000
        var position: UInt64 = 0
        var fetchedEnd: UInt64 = 0
        while position < end {
            let next = min(end, position + UInt64.random(in: 1...1_000_000, using: &generator))
            readAhead.note(position..<next)
            position = next
            if let range = readAhead.takePrefetch(end: end, limit: 8 << 20) {
                #expect(range.lowerBound >= max(fetchedEnd, position) && range.upperBound <= end)
                fetchedEnd = range.upperBound
            }
        }
        #expect(fetchedEnd == end)
    }
}
