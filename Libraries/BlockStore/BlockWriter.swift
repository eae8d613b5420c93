import Erasure
import Glibc
import Protocol

/// A block on its way to the disk. Data comes in pieces of any size; checksums are computed as it passes; nothing is
/// read back. Unless `finish` succeeds nothing remains.
///
/// Belongs to one thread at a time. Between calls it holds less than a page of data.
public final class BlockWriter {
    /// Data bytes of the whole block.
    public let size: Int
    /// Data bytes that came in so far.
    public private(set) var received = 0

    private let destination: BlockDestination
    /// Checksum of all complete pages so far.
    private var checksum: UInt32 = 0
    /// The bytes of the incomplete page between two calls.
    private var rest: [UInt8] = []

    /// What became of a call to `receive`.
    public enum Progress: Hashable {
        /// All data is there.
        case complete
        /// The descriptor has no more for now.
        case wouldBlock
        /// As much came as one call may take; call again.
        case more
    }

    /// Takes a block of `size` bytes, a multiple of the page size.
    init(size: Int, to destination: BlockDestination) {
        precondition(size >= 0 && size % PageChunk.pageSize == 0)
        self.size = size
        self.destination = destination
    }

    /// Reads from a non-blocking descriptor until it has no more, the block is complete or `limit` bytes came.
    /// Throws `sourceFailed` when the descriptor ends or fails.
    public func receive(
        from source: Int32, using chunk: PageChunk, limit: Int = .max
    ) throws(BlockStoreError) -> Progress {
        var position = restore(to: chunk)
        var allowance = limit
        while received < size {
            guard allowance > 0 else { break }
            let end = min(PageChunk.dataCapacity, position + (size - received))
            let count = chunk.receive(from: source, into: position, upTo: end)
            if count > 0 {
                seal(chunk, from: position, to: position + count)
                position += count
                received += count
                allowance -= count
                if position == PageChunk.dataCapacity || received == size {
                    try write(chunk, dataCount: position)
                    position = 0
                }
            } else if count == 0 {
                throw .sourceFailed(code: 0)
            } else if errno == EAGAIN || errno == EWOULDBLOCK {
                try save(chunk, dataCount: position)
                return .wouldBlock
            } else if errno != EINTR {
                throw .sourceFailed(code: errno)
            }
        }
        try save(chunk, dataCount: position)
        return received == size ? .complete : .more
    }

    /// Takes bytes that are in memory already; returns how many of them belong to the block.
    public func append(_ bytes: UnsafeRawBufferPointer, using chunk: PageChunk) throws(BlockStoreError) -> Int {
        let taken = min(bytes.count, size - received)
        var position = restore(to: chunk)
        var done = 0
        while done < taken {
            let count = min(PageChunk.dataCapacity - position, taken - done)
            chunk.copy(UnsafeRawBufferPointer(rebasing: bytes[done..<done + count]), to: position)
            seal(chunk, from: position, to: position + count)
            position += count
            done += count
            if position == PageChunk.dataCapacity {
                try write(chunk, dataCount: position)
                position = 0
            }
        }
        received += taken
        try save(chunk, dataCount: position)
        return taken
    }

    /// Publishes the block; `completion` is called when it is durable, or with `badChecksum` when its data is not what
    /// was announced. Call it once, when everything has been received. Blocks of a file are written by the caller,
    /// small ones perhaps by another thread, together with others.
    public func finish(expecting expected: CRC32C, completion: @escaping BlockCompletion) {
        precondition(received == size)
        guard checksum == expected.rawValue else { return completion(.failure(.badChecksum)) }
        destination.publish(checksum: checksum, completion: completion)
    }

    /// As above, but waits.
    public func finish(expecting expected: CRC32C) throws(BlockStoreError) {
        try BlockOutcome.wait { finish(expecting: expected, completion: $0) }
    }

    // MARK: Pages

    /// Puts the incomplete page of the last call in front of the chunk; returns where data goes on.
    private func restore(to chunk: PageChunk) -> Int {
        rest.withUnsafeBytes { chunk.copy($0, to: 0) }
        return rest.count
    }

    /// Writes the complete pages and keeps the rest.
    private func save(_ chunk: PageChunk, dataCount: Int) throws(BlockStoreError) {
        let kept = dataCount % PageChunk.pageSize
        try write(chunk, dataCount: dataCount - kept)
        let start = chunk.memory + PageChunk.offset(ofData: dataCount - kept)
        rest = Array(UnsafeRawBufferPointer(start: start, count: kept))
    }

    /// Computes the checksums of the pages that became complete.
    private func seal(_ chunk: PageChunk, from start: Int, to end: Int) {
        for page in start / PageChunk.pageSize..<end / PageChunk.pageSize {
            let address = chunk.memory + page * PageChunk.storedPageSize
            let sum = Castagnoli.sum(address, PageChunk.pageSize)
            (address + PageChunk.pageSize).storeBytes(of: sum.littleEndian, as: UInt32.self)
            checksum = CastagnoliShift.page.append(checksum, sum)
        }
    }

    private func write(_ chunk: PageChunk, dataCount: Int) throws(BlockStoreError) {
        let stored = dataCount / PageChunk.pageSize * PageChunk.storedPageSize
        guard stored > 0 else { return }
        try destination.write(UnsafeRawBufferPointer(start: chunk.memory, count: stored))
    }
}

/// Data that is written like a block, for measuring, and leaves nothing behind.
public final class TrialWriter {
    /// Takes the data.
    public let writer: BlockWriter
    private let file: FileDestination

    init(size: Int, on disk: BlockDisk) throws(BlockStoreError) {
        file = try FileDestination(BlockID(rawValue: 0), on: disk)
        writer = BlockWriter(size: size, to: file)
    }

    /// Makes the data durable like a block's.
    public func finish() throws(BlockStoreError) { try file.finishTrial() }
}
