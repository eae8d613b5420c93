import BlockStore
import Protocol

/// Answers the checksums of all pages of a block.
final class PageSumsJob: BlockJob, @unchecked Sendable {
    private let size: UInt32
    private let header: [UInt8]
    private var reading: PageSumsReading?

    init(_ served: ServedDisk, _ block: BlockID, size: UInt32, header: [UInt8]) {
        self.size = size
        self.header = header
        super.init(served, block)
    }

    override func step(_ socket: Int32, using chunk: PageChunk) -> Outcome {
        do throws(BlockStoreError) {
            var reading = if let reading { reading } else { try PageSumsReading(disk.open(block), size: size) }
            self.reading = nil  // the only reference, so that what was read is not copied
            try reading.read(atMost: Self.stepLimit, using: chunk)
            guard reading.isComplete else {
                self.reading = reading
                return .again
            }
            return .answer(header + reading.sums)
        } catch {
            return .refuse(health.answer(to: error, doing: "fetch of page sums", block), unread: 0)
        }
    }

    override func abandon() {
        reading = nil
    }
}
