import Directories
import Glibc
import Protocol
import Synchronization

/// One disk: a directory that holds a key and blocks. Safe to use from several threads at once; every call may block
/// on the disk.
public final class BlockDisk: Sendable {
    /// The directory as it was given.
    public let path: String
    /// Name of the block service; follows from the key, so it moves with the disk.
    public let id: BlockServiceID

    let blocksDirectory: FileDescriptor
    let directory: FileDescriptor
    private let keyFile: SecretKeyFile
    let options: BlockDiskOptions
    /// Never held while waiting for the disk: the loop asks too.
    private let smallBlockState: Mutex<SmallBlocks>
    /// Held by who makes the store of small blocks, for the first time or again after damage; says whether the latter
    /// was tried.
    let making = Mutex(false)
    let repairIsSpent = Atomic(false)
    let upkeepNotices = Mutex<[SmallBlockNotice]>([])
    private let blockCount: Atomic<Int>
    private let temporaryNumber: Atomic<UInt64>
    /// Directories of blocks that were made here and whose names may not be durable yet.
    private let newDirectories = Mutex<Set<String>>([])
    /// One unlink at a time: a burst of erases must not keep a spinning disk from reading.
    let erasing = Mutex<Void>(())
    /// For the next check; one at a time is usual.
    let spareBuffer = Mutex<MediumBuffer?>(nil)

    static let blocksName = "with_crc"

    /// Descriptors that a disk may hold for itself: two directories and the key; of small blocks their directory, the
    /// segment that is written, those that are read, and the index.
    public static let descriptors = 5 + SegmentFiles.limit + SmallBlockIndex.descriptors

    /// The store of small blocks, if there is one yet.
    enum SmallBlocks {
        case absent
        case opened(SmallBlockStore)
        case damaged(BlockStoreError)
    }

    /// Opens the disk at `path`, making the directory, those above it and its key when they are not there yet; locks
    /// it, removes what interrupted writes left and counts the blocks (reads all 256 directories). A damaged store of
    /// small blocks does not keep it from opening: other blocks stay readable, see `damage`.
    public init(opening path: String, options: BlockDiskOptions = BlockDiskOptions()) throws(BlockStoreError) {
        self.path = path
        self.options = options
        do throws(DirectoryError) {
            try DurableDirectory.makeWithParents(path, mode: 0o777)
        } catch {
            throw BlockStoreError(error)
        }
        directory = try FileDescriptor.open(path, flags: O_RDONLY | O_DIRECTORY)
        _ = try DiskLayout.read(of: directory, path: path)
        keyFile = try SecretKeyFile(of: directory, path: path)
        id = BlockServiceID(secretKey: keyFile.key)
        if mkdirat(directory.raw, Self.blocksName, 0o777) != 0, errno != EEXIST {
            throw .last("create \(path)/\(Self.blocksName)")
        }
        blocksDirectory = try FileDescriptor.open(
            Self.blocksName, in: directory, flags: O_RDONLY | O_DIRECTORY)
        // Also when all of it was there: a process that died may have made it and not come to its sync.
        try directory.sync(path)
        try blocksDirectory.sync("\(path)/\(Self.blocksName)")
        temporaryNumber = Atomic(UInt64.random(in: 0 ... .max))
        blockCount = Atomic(0)
        smallBlockState = Mutex(Self.openedSmallBlocks(of: directory, path: path, key: keyFile.key))
        blockCount.store(try DiskScan.countBlocksAndRemoveLeftovers(in: blocksDirectory), ordering: .relaxed)
    }

    private static func openedSmallBlocks(of directory: FileDescriptor, path: String, key: SecretKey) -> SmallBlocks {
        do throws(BlockStoreError) {
            guard try directory.has(SmallBlockStore.directoryName) else { return .absent }
            return .opened(try SmallBlockStore(of: directory, path: path, key: key))
        } catch {
            return .damaged(error)
        }
    }

    var smallBlocks: SmallBlocks { smallBlockState.withLock { $0 } }

    /// The store of small blocks, made when it is not there.
    func makeSmallBlocks() throws(BlockStoreError) -> SmallBlockStore {
        if let store = try existingSmallBlocks() { return store }
        return try making.withLock { _ throws(BlockStoreError) in
            if let store = try existingSmallBlocks() { return store }
            try DiskLayout.raise(to: 2, of: directory, path: path)
            let store = try SmallBlockStore(of: directory, path: path, key: secretKey)
            replaceSmallBlocks(by: .opened(store))
            return store
        }
    }

    private func existingSmallBlocks() throws(BlockStoreError) -> SmallBlockStore? {
        switch smallBlocks {
        case .opened(let store): store
        case .damaged(let error): throw error
        case .absent: nil
        }
    }

    func replaceSmallBlocks(by new: SmallBlocks) { smallBlockState.withLock { $0 = new } }

    /// What an operator should know about the disk when it was opened: damage that was found and dealt with.
    public var notices: [String] {
        if case .opened(let store) = smallBlocks { store.notices } else { [] }
    }

    /// Saves the next opening some work. Nothing is lost without it.
    public func prepareForClosing() throws(BlockStoreError) {
        if case .opened(let store) = smallBlocks { try store.flushIndex() }
    }

    /// Why small blocks of this disk cannot be used, if so. The disk then counts as failing.
    public var damage: BlockStoreError? {
        switch smallBlocks {
        case .damaged(let error): error
        case .opened(let store) where store.isDamaged:
            .smallBlocksDamaged(path: "\(path)/\(SmallBlockStore.directoryName)/\(SmallBlockStore.indexName)",
                reason: "found while reading")
        default: nil
        }
    }

    /// The key for certificates and proofs.
    public var secretKey: SecretKey { keyFile.key }

    /// Blocks on the disk, counted at opening and followed since.
    public var blocks: Int {
        let small = if case .opened(let store) = smallBlocks { store.blocks } else { 0 }
        return max(0, blockCount.load(ordering: .relaxed)) + small
    }

    func blocksChanged(by difference: Int) { blockCount.add(difference, ordering: .relaxed) }

    /// A name for a write in progress that no other write uses.
    func temporaryName() -> String {
        let number = temporaryNumber.wrappingAdd(1, ordering: .relaxed).newValue
        return "tmp." + String(number, radix: 16)
    }

    /// Size of the filesystem that holds the disk, in bytes.
    public struct Capacity: Sendable, Hashable {
        /// Of everything, and of what an unprivileged process may still use.
        public var total: UInt64, available: UInt64
        /// Same for all disks of one filesystem.
        public var filesystem: UInt64
    }

    /// Asks the filesystem. Fails when the disk does not answer any more.
    public func capacity() throws(BlockStoreError) -> Capacity {
        var numbers = statvfs()
        guard fstatvfs(directory.raw, &numbers) == 0 else { throw .last("statvfs \(path)") }
        var status = stat()
        guard fstat(directory.raw, &status) == 0 else { throw .last("stat \(path)") }
        let unit = UInt64(numbers.f_frsize)
        return Capacity(
            total: UInt64(numbers.f_blocks).multipliedSaturating(by: unit),
            available: UInt64(numbers.f_bavail).multipliedSaturating(by: unit), filesystem: UInt64(status.st_dev))
    }

    /// Whether the disk as a whole fails, as opposed to one file on it: the key cannot be read or is gone, the
    /// filesystem not be asked, or the store of small blocks contradicts itself.
    ///
    /// What the kernel has in memory it answers without the medium: a filesystem that shut itself down is noticed, a
    /// medium that is dead is not before the filesystem has noticed. Opens nothing, so that it can be asked where
    /// nothing can be opened.
    public func isFailing() -> Bool {
        // What passes hides nothing else.
        if damage?.isOfDisk == true { return true }
        do throws(BlockStoreError) {
            _ = try capacity()
            return try !keyFile.isThere(in: directory)
        } catch {
            return error.isOfDisk
        }
    }

    /// The directory of a block, made durably when it is not there and `making` is set.
    func directory(for path: BlockPath, making: Bool) throws(BlockStoreError) -> FileDescriptor {
        let flags = O_RDONLY | O_DIRECTORY
        do {
            let found = try FileDescriptor.open(path.directory, in: blocksDirectory, flags: flags)
            if making { try syncName(of: path.directory) }
            return found
        } catch .system(_, ENOENT) where making {
            newDirectories.withLock { _ = $0.insert(path.directory) }
            if mkdirat(blocksDirectory.raw, path.directory, 0o777) != 0, errno != EEXIST {
                throw .last("create \(self.path)/\(Self.blocksName)/\(path.directory)")
            }
            try syncName(of: path.directory)
            return try FileDescriptor.open(path.directory, in: blocksDirectory, flags: flags)
        }
    }

    /// Waits until a directory that another write made just now, or failed to sync, has a durable name.
    private func syncName(of subdirectory: String) throws(BlockStoreError) {
        guard newDirectories.withLock({ $0.contains(subdirectory) }) else { return }
        try blocksDirectory.sync("\(path)/\(Self.blocksName)")
        newDirectories.withLock { _ = $0.remove(subdirectory) }
    }
}

extension UInt64 {
    fileprivate func multipliedSaturating(by factor: UInt64) -> UInt64 {
        let (product, overflow) = multipliedReportingOverflow(by: factor)
        return overflow ? .max : product
    }
}
