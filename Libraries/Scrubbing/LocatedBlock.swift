import Client
import Protocol

/// A block of a file and which span it belongs to.
struct LocatedBlock: Hashable, Sendable {
    let spanOffset: UInt64
    let location: LocationID
    let block: ExpectedBlock
}

/// The blocks that an answer to FILE_SPANS names, in whatever location.
struct LocatedBlocks {
    private(set) var blocks: [LocatedBlock] = []
    /// Spans whose description makes no sense, so that there is nothing to check their blocks against.
    private(set) var impossible: [ImpossibleSpan] = []

    init(_ answer: FileSpansResponse) {
        for span in answer.spans {
            do throws(ImpossibleSpan) {
                add(try CheckedSpan(span, services: answer.blockServices))
            } catch {
                impossible.append(error)
            }
        }
    }

    private mutating func add(_ span: CheckedSpan) {
        guard case .blocks(let copies) = span.content else { return }
        for copy in copies {
            for source in copy.blocks {
                let block = ExpectedBlock(
                    service: source.service, block: source.block, size: UInt32(copy.layout.blockBytes),
                    crc: source.crc)
                blocks.append(LocatedBlock(spanOffset: span.byteOffset, location: copy.location, block: block))
            }
        }
    }
}
