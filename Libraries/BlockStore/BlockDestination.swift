import CLinux
import Erasure
import Glibc
import Protocol

/// Where the pages of a block that is being written go. Belongs to one thread at a time.
class BlockDestination {
    /// Takes whole pages with their checksums.
    func write(_ pages: UnsafeRawBufferPointer) throws(BlockStoreError) {
        preconditionFailure("every destination takes pages in its own way")
    }

    /// Makes the block durable under its name; its data has this checksum. Once, at the end.
    func publish(checksum: UInt32, completion: @escaping BlockCompletion) {
        preconditionFailure("every destination publishes in its own way")
    }
}

/// A file of its own.
final class FileDestination: BlockDestination {
    private let disk: BlockDisk
    private let path: BlockPath
    private let directory: FileDescriptor
    private let file: FileDescriptor
    private var temporaryName: String?
    private var end = 0
    private var writebackOffset = 0

    private static let writebackStep = 1 << 20

    init(_ block: BlockID, on disk: BlockDisk) throws(BlockStoreError) {
        self.disk = disk
        path = BlockPath(block)
        directory = try disk.directory(for: path, making: true)
        let name = disk.temporaryName()
        file = try FileDescriptor.open(name, in: directory, flags: O_WRONLY | O_CREAT | O_EXCL, mode: 0o666)
        temporaryName = name
    }

    deinit {
        if let temporaryName { unlinkat(directory.raw, temporaryName, 0) }
    }

    override func write(_ pages: UnsafeRawBufferPointer) throws(BlockStoreError) {
        try file.write(pages, at: end)
        end += pages.count
        // Let the disk work while the rest of a large block is still coming. Only a hint: the sync decides.
        if end - writebackOffset >= Self.writebackStep {
            _ = linux_start_writeback(file.raw, Int64(writebackOffset), Int64(end - writebackOffset))
            writebackOffset = end
        }
    }

    override func publish(checksum: UInt32, completion: @escaping BlockCompletion) {
        do throws(BlockStoreError) {
            try publish()
            completion(.success(()))
        } catch {
            completion(.failure(error))
        }
    }

    private func publish() throws(BlockStoreError) {
        guard let name = temporaryName else { preconditionFailure("published twice") }
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

    /// For a block that exists already (or a filesystem that cannot tell while renaming): the new file is durable
    /// before it takes the place of one that may have been acknowledged.
    private func replace(_ name: String) throws(BlockStoreError) {
        try file.sync("block \(path.name)")
        let existed = try directory.has(path.name)
        guard renameat(directory.raw, name, directory.raw, path.name) == 0 else { throw .last("rename \(path.name)") }
        temporaryName = nil
        if !existed { disk.blocksChanged(by: 1) }
    }

    /// For trials: makes the pages durable, and leaves nothing behind.
    func finishTrial() throws(BlockStoreError) { try file.sync("trial") }
}

/// The store of small blocks: pages gather in memory until the block is whole.
final class SmallDestination: BlockDestination {
    private let block: BlockID
    private let store: SmallBlockStore
    private let room: SmallBlockRoom
    private var pages: [UInt8] = []

    /// Nil when too much of small blocks is in memory already.
    init?(_ block: BlockID, size: Int, in store: SmallBlockStore) {
        guard let room = SmallBlockRoom(size / PageChunk.pageSize * PageChunk.storedPageSize, in: store) else {
            return nil
        }
        self.block = block
        self.store = store
        self.room = room
    }

    override func write(_ pages: UnsafeRawBufferPointer) throws(BlockStoreError) {
        if self.pages.isEmpty { self.pages.reserveCapacity(room.bytes) }
        self.pages.append(contentsOf: pages)
    }

    override func publish(checksum: UInt32, completion: @escaping BlockCompletion) {
        let action = SmallBlockChange.Action.store(pages: pages, checksum: checksum)
        pages = []
        store.submit(
            SmallBlockChange(block: block, action: action) { [room] result in
                withExtendedLifetime(room) { completion(result) }
            })
    }
}

/// Room in memory for a small block on its way; given back when nobody holds this object any more.
final class SmallBlockRoom: Sendable {
    let bytes: Int
    private let store: SmallBlockStore

    init?(_ bytes: Int, in store: SmallBlockStore) {
        guard store.enterMemory(bytes) else { return nil }
        self.bytes = bytes
        self.store = store
    }

    deinit { store.leaveMemory(bytes) }
}
