import Protocol

/// A part of what a read is to answer, in order: bytes that are at hand, or a range of a block's pages.
package enum ReadPiece {
    /// A range of one cell.
    package struct CellRange: Hashable, Sendable {
        /// Data block, 0..<D.
        package let block: Int
        /// Where the cell lies in its block.
        package let cell: Range<Int>
        /// The wanted bytes in the block.
        package let wanted: Range<Int>

        /// The wanted bytes, extended to whole pages.
        package var pages: Range<Int> { aligned(unit: ClientLimits.pageBytes) }

        /// Extended to whole units counted from the beginning of the cell, and cut at its end.
        package func aligned(unit: Int) -> Range<Int> {
            let first = cell.lowerBound + (wanted.lowerBound - cell.lowerBound) / unit * unit
            let end = cell.lowerBound + (wanted.upperBound - cell.lowerBound).roundedUp(toMultipleOf: unit)
            return first..<min(end, cell.upperBound)
        }
    }

    case zeros(Int)
    case inline([UInt8])
    case data(SpanInfo, SpanLayout, CellRange)

    package enum Plan {
        case complete([ReadPiece])
        /// The span at this offset is not known.
        case missing(UInt64)
    }

    /// The pieces of a range of a file. Data is split at cells and, within them, at multiples of `unit`.
    package static func plan(_ range: Range<UInt64>, of file: InodeID, in spans: SpanCache, unit: Int) -> Plan {
        var pieces: [ReadPiece] = []
        var position = range.lowerBound
        while position < range.upperBound {
            guard let span = spans.span(of: file, at: position) else { return .missing(position) }
            let end = min(range.upperBound, span.endOffset)
            append(&pieces, span, Int(position - span.byteOffset)..<Int(end - span.byteOffset), unit)
            position = end
        }
        return .complete(pieces)
    }

    /// The pieces of a range of one span. Whatever lies beyond its stored bytes is zeros.
    package static func append(_ pieces: inout [ReadPiece], _ span: SpanInfo, _ range: Range<Int>, _ unit: Int) {
        let storedBytes: Int
        switch span.content {
        case .inline(let body):
            storedBytes = body.count
            let part = range.clamped(to: 0..<body.count)
            if !part.isEmpty { pieces.append(.inline(Array(body[part]))) }
        case .blocks(let layout, _):
            storedBytes = layout.paddedBytes
            var position = range.lowerBound
            while position < min(range.upperBound, storedBytes) {
                let piece = cellRange(at: position, end: min(range.upperBound, storedBytes), layout, unit)
                pieces.append(.data(span, layout, piece))
                position += piece.wanted.count
            }
        }
        let zeros = range.upperBound - max(range.lowerBound, storedBytes)
        if zeros > 0 { pieces.append(.zeros(zeros)) }
    }

    /// What can be had from one unit of one cell, from `position` of the span's data on.
    private static func cellRange(at position: Int, end: Int, _ layout: SpanLayout, _ unit: Int) -> CellRange {
        let index = position / layout.cellBytes
        let within = position % layout.cellBytes
        let unitEnd = min(within / unit * unit + unit, layout.cellBytes)
        let count = min(unitEnd - within, end - position)
        let start = index / layout.dataBlocks * layout.cellBytes
        return CellRange(
            block: index % layout.dataBlocks, cell: start..<start + layout.cellBytes,
            wanted: start + within..<start + within + count)
    }
}
