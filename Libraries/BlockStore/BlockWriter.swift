import CLinux
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

    private let disk: BlockDisk
    private let path: BlockPath
    private let directory: FileDescriptor
    private let file: FileDescriptor
    private var temporaryName: String?
    /// Checksum of all complete pages so far.
    private var checksum: UInt32 = 0
    /// The bytes of the incomplete page between two calls.
    private var rest: [UInt8] = []
    private var fileOffset = 0
    private var writebackOffset = 0

    /// What became of a call to `receive`.
    public enum Progress: Hashable {
        /// All data is there.
        case complete
        /// The descriptor has no more for now.
        case wouldBlock
        /// As much came as one call may take; call again.
        case more
    }

    /// Begins writing a block of `size` bytes, a multiple of the page size.
    init(_ block: BlockID, size: Int, on disk: BlockDisk) throws(BlockStoreError) {
        precondition(size >= 0 && size % PageChunk.pageSize == 0)
        self.size = size
        self.disk = disk
        path = BlockPath(block)
        directory = try disk.directory(for: path, making: true)
        let name = disk.temporaryName()
        file = try FileDescriptor.open(
            name, in: directory, flags: O_WRONLY | O_CREAT | O_EXCL, mode: 0o666)
        temporaryName = name
    }

    deinit {
        if let temporaryName { unlinkat(directory.raw, temporaryName, 0) }
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

    /// Publishes the block under its name and returns when it is durable. Throws `badChecksum` when its data is not
    /// what was announced. Call it once, when everything has been received.
    public func finish(expecting expected: CRC32C) throws(BlockStoreError) {
        precondition(received == size)
        guard checksum == expected.rawValue else { throw .badChecksum }
        guard let name = temporaryName else { preconditionFailure("finished twice") }
        let result = linux_rename_noreplace(directory.raw, name, directory.raw, path.name)
        if result == 0 {
            temporaryName = nil
            disk.blocksChanged(by: 1)
            try file.sync("block \(path.name)")
        } else if result == -EEXIST || result == -EINVAL {
            try replace(name)
        } else {
            throw .system(operation: "rename \(path.name)", code: -result)
        }
        try directory.sync("directory \(path.directory)")
    }

    /// For trials: makes the data durable like a block's, and leaves nothing behind.
    public func finishWithoutPublishing() throws(BlockStoreError) {
        try file.sync("trial")
    }

    /// For a block that exists already (or a filesystem that cannot tell while renaming): the new file is durable
    /// before it takes the place of one that may have been acknowledged.
    private func replace(_ name: String) throws(BlockStoreError) {
        try file.sync("block \(path.name)")
        let existed = faccessat(directory.raw, path.name, F_OK, 0) == 0
        guard renameat(directory.raw, name, directory.raw, path.name) == 0 else { throw .last("rename \(path.name)") }
        temporaryName = nil
        if !existed { disk.blocksChanged(by: 1) }
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
        try file.write(UnsafeRawBufferPointer(start: chunk.memory, count: stored), at: fileOffset)
        fileOffset += stored
        // Let the disk work while the rest of a large block is still coming. Only a hint: the sync decides.
        if fileOffset - writebackOffset >= Self.writebackStep {
            _ = linux_start_writeback(file.raw, Int64(writebackOffset), Int64(fileOffset - writebackOffset))
            writebackOffset = fileOffset
        }
    }

    private static let writebackStep = 1 << 20
}

extension BlockDisk {
    /// Begins to write a block of `size` bytes, a multiple of 4096.
    public func write(_ block: BlockID, size: Int) throws(BlockStoreError) -> BlockWriter {
        try BlockWriter(block, size: size, on: self)
    }
}
