import BlockStore
import Protocol

/// Answers the checksums of all pages of a block.
final class PageSumsJob: BlockJob, @unchecked Sendable {
    private let size: UInt32
    private let header: [UInt8]

    init(_ served: ServedDisk, _ block: BlockID, size: UInt32, header: [UInt8]) {
        self.size = size
        self.header = header
        super.init(served, block)
    }

    override func step(_ socket: Int32, using chunk: PageChunk) -> Outcome {
        do throws(BlockStoreError) {
            return .answer(header + (try disk.open(block).pageSums(size: size, using: chunk)))
        } catch {
            return .refuse(health.answer(to: error, doing: "fetch of page sums", block), unread: 0)
        }
    }
}
