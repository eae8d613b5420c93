import Protocol

/// A span of a finished file, as the shard described it and checked for sense. Confined to the loop for what changes.
///
/// `@unchecked Sendable`: everything is constant except `missing` and `damaged`, which only the loop touches.
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
    /// What came from the services of its blocks and does not match its checksums.
    var damaged: Set<Chunk.Key> = []

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

    /// - Throws: when the description is impossible.
    package convenience init(_ span: FetchedSpan, services: [BlockService]) throws(ImpossibleSpan) {
        let checked = try CheckedSpan(span, services: services)
        let content: Content
        switch checked.content {
        case .inline(let bytes): content = .inline(bytes)
        case .blocks(let copies):
            // LOCAL_FILE_SPANS shows one.
            content = .blocks(copies[0].layout, copies[0].blocks)
        }
        self.init(byteOffset: checked.byteOffset, logicalBytes: UInt64(checked.size), content: content)
    }
}

/// Where one block of a span is.
public struct BlockSource: Hashable, Sendable {
    public let service: BlockService
    public let block: BlockID
    public let crc: CRC32C

    package init(service: BlockService, block: BlockID, crc: CRC32C) {
        self.service = service
        self.block = block
        self.crc = crc
    }
}
