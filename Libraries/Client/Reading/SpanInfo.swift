import Protocol

/// A span of a finished file, as the shard described it and checked for sense. Confined to the loop for what changes.
///
/// `@unchecked Sendable`: everything is constant except `missing`, which only the loop touches.
package final class SpanInfo: @unchecked Sendable {
    package enum Content: Sendable {
        case inline([UInt8])
        case blocks(SpanLayout, [BlockSource])
    }

    package let byteOffset: UInt64
    package let logicalBytes: UInt64
    package let content: Content
    /// Blocks that their services do not have, until the monotonic time given.
    package var missing: [Int: UInt64] = [:]

    /// Of a mirrored span: which copy is read first. Differs from span to span, to spread the load.
    var preferredCopy: Int {
        guard case .blocks(_, let sources) = content, let first = sources.first else { return 0 }
        return Int(first.block.rawValue >> 8 % UInt64(sources.count))
    }

    package var endOffset: UInt64 { byteOffset + logicalBytes }

    package init(byteOffset: UInt64, logicalBytes: UInt64, content: Content) {
        self.byteOffset = byteOffset
        self.logicalBytes = logicalBytes
        self.content = content
    }

    /// nil when the description is impossible.
    package convenience init?(_ span: FetchedSpan, services: [BlockService]) {
        let header = span.header
        guard header.byteOffset % UInt64(ClientLimits.pageBytes) == 0, header.size > 0,
            header.byteOffset <= UInt64(Int64.max) - UInt64(header.size)
        else { return nil }
        let content: Content
        switch span.body {
        case .inline(let inline):
            guard inline.body.count <= Int(header.size) else { return nil }
            content = .inline(inline.body)
        case .blocks(let blocks):
            guard
                let layout = SpanLayout(
                    parity: blocks.parity, stripes: blocks.stripes, cellBytes: blocks.cellSize,
                    storageClass: header.storageClass),
                blocks.blocks.count == layout.blocks,
                blocks.blocks.allSatisfy({ Int($0.blockServiceIx) < services.count })
            else { return nil }
            content = .blocks(
                layout,
                blocks.blocks.map {
                    BlockSource(service: services[Int($0.blockServiceIx)], block: $0.blockId, crc: $0.crc)
                })
        }
        self.init(byteOffset: header.byteOffset, logicalBytes: UInt64(header.size), content: content)
    }
}

/// Where one block of a span is.
package struct BlockSource: Hashable, Sendable {
    package let service: BlockService
    package let block: BlockID
    package let crc: CRC32C

    package init(service: BlockService, block: BlockID, crc: CRC32C) {
        self.service = service
        self.block = block
        self.crc = crc
    }
}
