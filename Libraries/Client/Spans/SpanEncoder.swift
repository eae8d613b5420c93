import Erasure
import Glibc
import Protocol

/// A span ready to be sent: what the shard and the block services are to be told.
package struct EncodedSpan: Sendable {
    package enum Content: Sendable {
        /// Up to 255 bytes kept by the shard itself.
        case inline([UInt8])
        case blocks(EncodedBlocks)
    }

    /// Bytes of the file that the span covers; the excess over its content reads as zeros.
    package let logicalBytes: UInt32
    /// Checksum of the logical bytes.
    package let crc: CRC32C
    package let content: Content

    /// Memory held until it is stored.
    package var heldBytes: Int {
        if case .blocks(let blocks) = content { blocks.heldBytes } else { 0 }
    }
}

/// Data and parity cells of a span with their checksums.
package struct EncodedBlocks: Sendable {
    package let layout: SpanLayout
    /// Checksum of every cell, row-major: index s·B + b.
    package let cellCRCs: [CRC32C]
    package let blockCRCs: [CRC32C]
    private let data: PooledBuffer
    private let parity: PooledBuffer?

    fileprivate init(
        layout: SpanLayout, cellCRCs: [CRC32C], blockCRCs: [CRC32C], data: PooledBuffer, parity: PooledBuffer?
    ) {
        self.layout = layout
        self.cellCRCs = cellCRCs
        self.blockCRCs = blockCRCs
        self.data = data
        self.parity = parity
    }

    /// The bytes of block `index` in order. Valid as long as this value lives.
    package func segments(ofBlock index: Int) -> [UnsafeRawBufferPointer] {
        let isCopy = layout.dataBlocks == 1
        if index < layout.dataBlocks || isCopy {
            return (0..<layout.stripes).map { stripe in
                let offset = layout.dataOffset(stripe: stripe, block: isCopy ? 0 : index)
                return UnsafeRawBufferPointer(start: data.base + offset, count: layout.cellBytes)
            }
        }
        guard let parity else { return [] }
        let start = parity.base + (index - layout.dataBlocks) * layout.blockBytes
        return [UnsafeRawBufferPointer(start: start, count: layout.blockBytes)]
    }

    /// Memory held until the span is stored.
    package var heldBytes: Int { data.count + (parity?.count ?? 0) }
}

/// Turns the bytes of a span into cells, parity and checksums. Pure computing, for worker threads.
package enum SpanEncoder {
    /// - Parameters:
    ///   - buffer: holds the data from its beginning; is written to beyond `filled`. Without room for the padding the
    ///     data is copied.
    ///   - filled: bytes of data, at most `logicalBytes`.
    /// - Returns: nil when there is no memory for parity or the policies fit no layout.
    package static func encode(
        _ buffer: PooledBuffer, filled: Int, logicalBytes: UInt32, policies: WritePolicies, pool: BufferPool
    ) -> EncodedSpan? {
        let stored = lengthWithoutTrailingZeros(buffer.base, filled)
        if stored <= ClientLimits.inlineBytes {
            return inline(Array(UnsafeRawBufferPointer(start: buffer.base, count: stored)), logicalBytes)
        }
        guard let layout = policies.layout(dataBytes: stored),
            let roomy = padded(buffer, stored, layout, pool), let blocks = blocks(roomy, stored, layout, pool)
        else { return nil }
        return EncodedSpan(
            logicalBytes: logicalBytes, crc: spanCRC(blocks, logicalBytes), content: .blocks(blocks))
    }

    /// A span kept by the shard. A span of zeros keeps one byte of them, because shards ignore inline spans without
    /// any.
    package static func inline(_ body: [UInt8], _ logicalBytes: UInt32) -> EncodedSpan {
        let body = body.isEmpty && logicalBytes > 0 ? [0] : body
        let sum = body.withUnsafeBytes { Castagnoli.sum($0) }
        let crc = Castagnoli.zeroExtend(sum, by: Int64(logicalBytes) - Int64(body.count))
        return EncodedSpan(logicalBytes: logicalBytes, crc: CRC32C(rawValue: crc), content: .inline(body))
    }

    /// Room that a buffer needs so that every layout of at most `policies.largestSpanBytes` fits with its padding.
    package static func bufferBytes(_ policies: WritePolicies) -> Int {
        // Each of at most 15 stripes of at most 15 cells is rounded up by less than a page, and once more by the
        // divisions.
        policies.largestSpanBytes + ClientLimits.stripes * 15 * (ClientLimits.pageBytes + 1)
    }

    /// The data where there is room for its padding.
    private static func padded(
        _ buffer: PooledBuffer, _ stored: Int, _ layout: SpanLayout, _ pool: BufferPool
    ) -> PooledBuffer? {
        guard layout.paddedBytes > buffer.count else { return buffer }
        guard let larger = pool.take(layout.paddedBytes) else { return nil }
        memcpy(larger.base, buffer.base, stored)
        return larger
    }

    private static func blocks(
        _ buffer: PooledBuffer, _ stored: Int, _ layout: SpanLayout, _ pool: BufferPool
    ) -> EncodedBlocks? {
        memset(buffer.base + stored, 0, layout.paddedBytes - stored)
        let parityBlocks = layout.blocks - layout.dataBlocks
        guard let code = ReedSolomon.shared(dataBlocks: layout.dataBlocks, parityBlocks: parityBlocks) else {
            return nil
        }
        var parity: PooledBuffer?
        if layout.dataBlocks > 1, parityBlocks > 0 {
            guard let taken = pool.take(parityBlocks * layout.blockBytes) else { return nil }
            parity = taken
        }
        var cells: [CRC32C] = []
        cells.reserveCapacity(layout.stripes * layout.blocks)
        for stripe in 0..<layout.stripes {
            let data = (0..<layout.dataBlocks).map {
                UnsafeRawPointer(buffer.base + layout.dataOffset(stripe: stripe, block: $0))
            }
            guard let parity else {
                let sum = Castagnoli.sum(data[0], layout.cellBytes)
                cells.append(contentsOf: repeatElement(CRC32C(rawValue: sum), count: layout.blocks))
                continue
            }
            let coded = (0..<parityBlocks).map { parity.base + $0 * layout.blockBytes + stripe * layout.cellBytes }
            code.encode(data: data, parity: coded, length: layout.cellBytes)
            for cell in data { cells.append(CRC32C(rawValue: Castagnoli.sum(cell, layout.cellBytes))) }
            for cell in coded { cells.append(CRC32C(rawValue: Castagnoli.sum(cell, layout.cellBytes))) }
        }
        return EncodedBlocks(
            layout: layout, cellCRCs: cells, blockCRCs: blockCRCs(cells, layout), data: buffer, parity: parity)
    }

    private static func blockCRCs(_ cells: [CRC32C], _ layout: SpanLayout) -> [CRC32C] {
        (0..<layout.blocks).map { block in
            let sum = (0..<layout.stripes).reduce(UInt32(0)) { sum, stripe in
                let cell = cells[stripe * layout.blocks + block].rawValue
                return Castagnoli.append(sum, cell, secondLength: UInt64(layout.cellBytes))
            }
            return CRC32C(rawValue: sum)
        }
    }

    private static func spanCRC(_ blocks: EncodedBlocks, _ logicalBytes: UInt32) -> CRC32C {
        let layout = blocks.layout
        var sum: UInt32 = 0
        for stripe in 0..<layout.stripes {
            for block in 0..<layout.dataBlocks {
                let cell = blocks.cellCRCs[stripe * layout.blocks + block].rawValue
                sum = Castagnoli.append(sum, cell, secondLength: UInt64(layout.cellBytes))
            }
        }
        let surplus = Int64(logicalBytes) - Int64(layout.paddedBytes)
        return CRC32C(rawValue: Castagnoli.zeroExtend(sum, by: surplus))
    }

    /// Looks from the end, so it costs nothing for data that does not end in zeros.
    package static func lengthWithoutTrailingZeros(_ base: UnsafeRawPointer, _ count: Int) -> Int {
        var length = count
        while length >= 8, base.loadUnaligned(fromByteOffset: length - 8, as: UInt64.self) == 0 { length -= 8 }
        while length > 0, base.load(fromByteOffset: length - 1, as: UInt8.self) == 0 { length -= 1 }
        return length
    }
}
