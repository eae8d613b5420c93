import BlockStore
import Protocol

/// Receives a block's data straight into its file and answers when it is durable.
final class WriteJob: BlockJob, @unchecked Sendable {
    private let size: Int
    /// The announced checksum; nil for a trial, whose data is thrown away.
    private let checksum: CRC32C?
    private let answer: [UInt8]
    /// Data that arrived together with the request.
    private var head: [UInt8]
    private var writer: BlockWriter?
    private var trial: TrialWriter?

    init(_ served: ServedDisk, _ block: BlockID, size: Int, checksum: CRC32C?, head: [UInt8], answer: [UInt8]) {
        self.size = size
        self.checksum = checksum
        self.head = head
        self.answer = answer
        super.init(served, block)
    }

    override func step(_ socket: Int32, using chunk: PageChunk) -> Outcome {
        do throws(BlockStoreError) {
            let writer = try opened()
            try takeHead(writer, chunk)
            switch try writer.receive(from: socket, using: chunk, limit: Self.stepLimit) {
            case .wouldBlock: return .needsInput(size - writer.received)
            case .more: return .again
            case .complete: break
            }
            self.writer = nil
            guard let checksum else {
                try trial?.finish()
                trial = nil  // its file goes before the answer
                return .answer(answer)
            }
            return .later { [self] done in
                writer.finish(expecting: checksum) { [self] result in
                    switch result {
                    case .success: done(.answer(answer))
                    case .failure(let error): done(refusal(error, unread: 0))
                    }
                }
            }
        } catch {
            let unread = size - (writer?.received ?? 0) - head.count
            abandon()
            if case .sourceFailed = error { return .broken("\(error)") }
            return refusal(error, unread: unread)
        }
    }

    override var unread: Int { size - head.count }

    override func abandon() {
        writer = nil
        trial = nil
    }

    private func refusal(_ error: BlockStoreError, unread: Int) -> Outcome {
        .refuse(health.answer(to: error, doing: "write", block), unread: unread)
    }

    private func opened() throws(BlockStoreError) -> BlockWriter {
        if let writer { return writer }
        if checksum != nil {
            let opened = try disk.write(block, size: size)
            writer = opened
            return opened
        }
        let opened = try disk.writeTrial(size: size)
        (trial, writer) = (opened, opened.writer)
        return opened.writer
    }

    private func takeHead(_ writer: BlockWriter, _ chunk: PageChunk) throws(BlockStoreError) {
        guard !head.isEmpty else { return }
        let bytes = UnsafeMutableRawBufferPointer.allocate(byteCount: head.count, alignment: 1)
        defer { bytes.deallocate() }
        bytes.copyBytes(from: head)
        head = []
        _ = try writer.append(UnsafeRawBufferPointer(bytes), using: chunk)
    }
}
