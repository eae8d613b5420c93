import Client
import Protocol

/// The copy of a span in one location, as its shard described it and checked for sense.
struct SpanCopy: Sendable {
    let file: InodeID
    let byteOffset: UInt64
    let location: LocationID
    let layout: SpanLayout
    var blocks: [BlockSource]

    func block(_ index: Int) -> FileBlock {
        let source = blocks[index]
        return FileBlock(
            file: file, byteOffset: byteOffset, location: location, storageClass: layout.storageClass,
            service: source.service, block: source.block, bytes: UInt32(layout.blockBytes), crc: source.crc)
    }

    /// All copies of all spans in an answer that have blocks.
    static func all(in response: FileSpansResponse, of file: InodeID) throws(ClientError) -> [SpanCopy] {
        var copies: [SpanCopy] = []
        for span in response.spans {
            guard case .locations(let body) = span.body else { continue }
            for copy in body.locations {
                guard let made = SpanCopy(copy, span.header, file, response.blockServices) else {
                    throw ClientError(
                        .malformedAnswer, "FILE_SPANS of \(file)", "an impossible span at \(span.header.byteOffset)")
                }
                copies.append(made)
            }
        }
        return copies
    }

    private init?(
        _ copy: FetchedBlockServices, _ header: FetchedSpanHeaderFull, _ file: InodeID, _ services: [BlockService]
    ) {
        guard
            let layout = SpanLayout(
                parity: copy.parity, stripes: copy.stripes, cellBytes: copy.cellSize, storageClass: copy.storageClass),
            copy.parity.isValid, copy.blocks.count == layout.blocks,
            copy.blocks.allSatisfy({ Int($0.blockServiceIx) < services.count })
        else { return nil }
        self.file = file
        byteOffset = header.byteOffset
        location = copy.locationId
        self.layout = layout
        blocks = copy.blocks.map {
            BlockSource(service: services[Int($0.blockServiceIx)], block: $0.blockId, crc: $0.crc)
        }
    }
}
