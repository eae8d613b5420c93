import Protocol

/// A small block to be stored, or one to be erased, and who waits for it.
struct SmallBlockChange: Sendable {
    enum Action: Sendable {
        /// Pages with their checksums, and the checksum of the data.
        case store(pages: [UInt8], checksum: UInt32)
        case erase
    }

    var block: BlockID
    var action: Action
    /// Called once, on any thread, when the change is durable or has failed.
    var completion: BlockCompletion

    var isErasure: Bool {
        if case .erase = action { true } else { false }
    }

    /// As it is appended to a segment.
    var pending: SegmentWriter.Pending {
        switch action {
        case .store(let pages, let checksum):
            let size = pages.count / PageChunk.storedPageSize * PageChunk.pageSize
            return .init(record: SegmentRecord(.block, block, size: size, checksum: checksum), pages: pages)
        case .erase: return .init(record: SegmentRecord(.erasure, block), pages: [])
        }
    }
}

/// What is called, once and on any thread, when an operation that others joined is over.
public typealias BlockCompletion = @Sendable (Result<Void, BlockStoreError>) -> Void
