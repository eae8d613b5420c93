import Erasure
import Protocol

/// What a client put into a file: its spans, as the metadata has to describe them for ever.
struct FileContents {
    struct Span: Equatable {
        var byteOffset: UInt64
        var size: UInt32
        var crc: CRC32C
        /// The checksums of the cells, for those in blocks.
        var cells: [CRC32C] = []
        /// What is stored of it; the rest is zeros.
        var storedSize: UInt32

        var holes: UInt64 { UInt64(size - min(size, storedSize)) }
    }

    var spans: [Span] = []

    var size: UInt64 { spans.reduce(0) { $0 + UInt64($1.size) } }
    var holes: UInt64 { spans.reduce(0) { $0 + $1.holes } }

    static let parity = Parity(data: 2, parity: 1)
    static let cellSize: UInt32 = 4096

    /// A span in blocks, of random contents, with zeros behind them now and then.
    static func blockSpan(at byteOffset: UInt64, _ random: inout SeededRandom) -> Span {
        let cells = (0..<2).map { _ in CRC32C(rawValue: UInt32(truncatingIfNeeded: random.next())) }
        let length = UInt64(cellSize)
        let zeros: UInt32 = random.perMille(300) ? cellSize : 0
        let whole = cells[0].appending(cells[1], length: length).zeroExtended(by: Int64(zeros))
        return Span(
            byteOffset: byteOffset, size: 2 * cellSize + zeros, crc: whole,
            cells: cells + [cells[0].xor(cells[1], length: length)], storedSize: 2 * cellSize)
    }
}

extension AddSpanInitiateRequest {
    init(_ span: FileContents.Span, of file: TransientInode, blacklist: [BlacklistEntry]) {
        self.init(
            fileId: file.id, cookie: file.cookie, byteOffset: span.byteOffset, size: span.size, crc: span.crc,
            storageClass: .flash, blacklist: blacklist, parity: FileContents.parity, stripes: 1,
            cellSize: FileContents.cellSize, crcs: span.cells)
    }
}

/// A file under construction.
struct TransientInode {
    var id: InodeID
    var cookie: Cookie
}
