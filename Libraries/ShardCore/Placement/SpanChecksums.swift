import Erasure
import Protocol

/// Checks the matrix of cell checksums that comes with a new span, and condenses it (metadata.md A.7).
struct SpanChecksums {
    let blockCRCs: [CRC32C]
    let stripeCRCs: [CRC32C]

    /// Nil when the matrix contradicts itself or the span's checksum. `request` has valid sizes.
    init?(_ request: AddSpanInitiateRequest) {
        let stripes = Int(request.stripes)
        let parity = request.parity
        let cell = UInt64(request.cellSize)
        guard request.crcs.count == stripes * parity.blocks else { return nil }
        var blocks = [CRC32C](repeating: .zero, count: parity.blocks)
        var rows: [CRC32C] = []
        var whole = CRC32C.zero
        for stripe in 0..<stripes {
            let row = request.crcs[stripe * parity.blocks..<(stripe + 1) * parity.blocks]
            guard Self.isConsistent(row, parity, cellSize: cell) else { return nil }
            var joined = CRC32C.zero
            for (column, crc) in row.enumerated() {
                blocks[column] = blocks[column].appending(crc, length: cell)
                guard column < parity.data else { continue }
                joined = joined.appending(crc, length: cell)
            }
            rows.append(joined)
            whole = whole.appending(joined, length: cell * UInt64(parity.data))
        }
        let stored = Int64(cell) * Int64(stripes) * Int64(parity.data)
        guard whole.zeroExtended(by: Int64(request.size) - stored) == request.crc else { return nil }
        blockCRCs = blocks
        stripeCRCs = rows
    }

    /// Mirrored cells are equal; otherwise the first parity cell is the xor of the data cells. The other parity cells
    /// cannot be checked without the data.
    private static func isConsistent(_ row: ArraySlice<CRC32C>, _ parity: Parity, cellSize: UInt64) -> Bool {
        guard let first = row.first else { return false }
        if parity.isMirroring {
            return row.allSatisfy { $0 == first }
        }
        let sum = row.dropFirst().prefix(parity.data - 1).reduce(first) { $0.xor($1, length: cellSize) }
        return row[row.startIndex + parity.data] == sum
    }
}
