import Client
import Protocol

/// The copy of a span in one location.
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

    /// All copies of a span that have blocks.
    static func all(
        of span: FetchedFullSpan, _ services: [BlockService], in file: InodeID
    ) throws(ImpossibleSpan) -> [SpanCopy] {
        let checked = try CheckedSpan(span, services: services)
        guard case .blocks(let copies) = checked.content else { return [] }
        return copies.map { copy in
            SpanCopy(
                file: file, byteOffset: checked.byteOffset, location: copy.location, layout: copy.layout,
                blocks: copy.blocks)
        }
    }
}
