import Client
import Protocol
import ShardCore

/// An answer about the spans of a file as the records that it describes.
struct SpanRecordPage {
    var spans: [(byteOffset: UInt64, record: SpanRecord)] = []
    var services: [BlockService]
    var nextOffset: UInt64

    init(_ response: FileSpansResponse) throws(ClientError) {
        services = response.blockServices
        nextOffset = response.nextOffset
        for span in response.spans {
            let content: SpanRecord.Content
            switch span.body {
            case .inline(let inline): content = .inline(inline.body)
            case .locations(let copies):
                var locations: [SpanLocation] = []
                for copy in copies.locations {
                    locations.append(
                        SpanLocation(
                            location: copy.locationId, storageClass: copy.storageClass, parity: copy.parity,
                            stripes: copy.stripes, cellSize: copy.cellSize, blocks: try blocks(copy.blocks),
                            stripeCRCs: copy.stripesCrc))
                }
                content = .blocks(locations)
            }
            append(span.header.byteOffset, SpanRecord(size: span.header.size, crc: span.header.crc, content: content))
        }
    }

    init(_ response: LocalFileSpansResponse) throws(ClientError) {
        services = response.blockServices
        nextOffset = response.nextOffset
        for span in response.spans {
            let content: SpanRecord.Content
            switch span.body {
            case .inline(let inline): content = .inline(inline.body)
            case .blocks(let copy):
                let location = SpanLocation(
                    location: .default, storageClass: span.header.storageClass, parity: copy.parity,
                    stripes: copy.stripes, cellSize: copy.cellSize, blocks: try blocks(copy.blocks),
                    stripeCRCs: copy.stripesCrc)
                content = .blocks([location])
            }
            append(span.header.byteOffset, SpanRecord(size: span.header.size, crc: span.header.crc, content: content))
        }
    }

    private mutating func append(_ byteOffset: UInt64, _ record: SpanRecord) {
        spans.append((byteOffset, record))
    }

    private func blocks(_ fetched: [FetchedBlock]) throws(ClientError) -> [SpanBlock] {
        var blocks: [SpanBlock] = []
        for block in fetched {
            guard Int(block.blockServiceIx) < services.count else {
                throw ClientError(.malformedAnswer, "FILE_SPANS", "it names a block service that it does not list")
            }
            blocks.append(
                SpanBlock(service: services[Int(block.blockServiceIx)].id, id: block.blockId, crc: block.crc))
        }
        return blocks
    }
}
