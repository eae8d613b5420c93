import Erasure
import Protocol

extension ShardRequestWriter {
    /// A whole ADD_SPAN_INITIATE of the chosen file, with checksums that agree unless the script spoils them.
    mutating func newSpan(_ script: inout FuzzScript) throws {
        let shape = script.byte()
        let parity = [Parity(data: 2, parity: 1), Parity(data: 1, parity: 2), Parity(data: 4, parity: 2)][
            Int(shape & 3) % 3]
        let stripes = shape >> 2 & 1 + 1
        let cellSize = (UInt32(shape >> 3 & 1) + 1) * 4096
        let stored = UInt32(stripes) * UInt32(parity.data) * cellSize
        let size = stored - UInt32(shape >> 4 & 3) * 100
        let spoilt = script.byte()
        let (crcs, crc) = checksums(parity, Int(stripes), UInt64(cellSize), size: size, salt: UInt32(spoilt))
        let blacklist = (0..<Int(spoilt & 3)).map { number in
            BlacklistEntry(
                failureDomain: FuzzServices.all[number].failureDomain, blockService: FuzzServices.all[number].id)
        }
        try write(
            AddSpanInitiateRequest(
                fileId: file.id, cookie: file.cookie, byteOffset: offset(&script), size: size,
                crc: spoilt == 0xFF ? .zero : crc, storageClass: shape & 0x80 == 0 ? .flash : .hdd,
                blacklist: blacklist, parity: parity, stripes: stripes, cellSize: cellSize, crcs: crcs))
    }

    private func checksums(
        _ parity: Parity, _ stripes: Int, _ cellSize: UInt64, size: UInt32, salt: UInt32
    ) -> ([CRC32C], CRC32C) {
        var crcs: [CRC32C] = []
        var whole = CRC32C.zero
        for stripe in 0..<stripes {
            let data = (0..<parity.data).map { CRC32C(rawValue: salt &* 0x9e37_79b9 &+ UInt32(stripe * 16 + $0)) }
            let sum = data.dropFirst().reduce(data[0]) { $0.xor($1, length: cellSize) }
            crcs += data + [CRC32C](repeating: sum, count: parity.parity)
            whole = data.reduce(whole) { $0.appending($1, length: cellSize) }
        }
        let stored = Int64(cellSize) * Int64(stripes) * Int64(parity.data)
        return (crcs, whole.zeroExtended(by: Int64(size) - stored))
    }

    /// How much of the chosen span is referred to, and the checksums of both parts if it is not all: whole, everything
    /// behind it as well, or up to one of its pages.
    mutating func sharedRange(_ script: inout FuzzScript) throws {
        let byte = script.byte()
        var (length, kept, rest) = (UInt64.max, CRC32C.zero, CRC32C.zero)
        if let made = span.request, byte & 1 == 0 {
            let data = Int(made.parity.data)
            let rows = stride(from: 0, to: made.crcs.count, by: Int(made.parity.blocks))
            let cells = rows.flatMap { made.crcs[$0..<min($0 + data, made.crcs.count)] }
            let count = cells.isEmpty ? 0 : Int(byte >> 1) % cells.count
            length = count == 0 ? UInt64(made.size) : UInt64(count) * UInt64(made.cellSize)
            func sum(_ cells: ArraySlice<CRC32C>) -> CRC32C {
                cells.reduce(.zero) { $0.appending($1, length: UInt64(made.cellSize)) }
            }
            let stored = Int64(made.cellSize) * Int64(cells.count)
            (kept, rest) = (sum(cells[..<count]), sum(cells[count...]).zeroExtended(by: Int64(made.size) - stored))
        }
        try write(length)
        try write(kept)
        try write(rest)
    }

    mutating func inlineSpan(_ script: inout FuzzScript) throws {
        let content = [UInt8](repeating: script.byte(), count: Int(script.byte()))
        let padding = UInt32(script.byte() & 0x0F) * 300
        let crc = CRC32C(of: content).zeroExtended(by: Int64(padding))
        try write(
            AddInlineSpanRequest(
                fileId: file.id, cookie: file.cookie, storageClass: content.isEmpty ? .empty : .inline,
                byteOffset: offset(&script), size: UInt32(content.count) + padding, crc: crc, body: content))
    }
}
