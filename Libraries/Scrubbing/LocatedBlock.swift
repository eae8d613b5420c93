import Protocol

/// A block of a file and which span it belongs to.
struct LocatedBlock: Hashable, Sendable {
    let spanOffset: UInt64
    let location: LocationID
    let block: ExpectedBlock
}

extension FileSpansResponse {
    /// All blocks of the spans, in whatever location. What makes no sense is left out: there is nothing to check it
    /// against.
    var blocks: [LocatedBlock] {
        spans.flatMap { span -> [LocatedBlock] in
            guard case .locations(let locations) = span.body else { return [] }
            return locations.locations.flatMap { copy in blocks(of: copy, at: span.header.byteOffset) }
        }
    }

    /// The blocks on one disk.
    func blocks(on disk: BlockServiceID) -> [LocatedBlock] {
        guard blockServices.contains(where: { $0.id == disk }) else { return [] }
        return blocks.filter { $0.block.service.id == disk }
    }

    private func blocks(of copy: FetchedBlockServices, at spanOffset: UInt64) -> [LocatedBlock] {
        let (size, overflow) = copy.cellSize.multipliedReportingOverflow(by: UInt32(copy.stripes))
        guard !overflow, size > 0 else { return [] }
        return copy.blocks.compactMap { block in
            guard Int(block.blockServiceIx) < blockServices.count else { return nil }
            let service = blockServices[Int(block.blockServiceIx)]
            return LocatedBlock(
                spanOffset: spanOffset, location: copy.locationId,
                block: ExpectedBlock(service: service, block: block.blockId, size: size, crc: block.crc))
        }
    }
}
