import Glibc
import Protocol

/// The blocks of a disk that nobody serves, without locking or changing anything.
public final class OfflineDisk {
    /// The block service that it is.
    public let id: BlockServiceID

    private let path: String
    private let smallBlocks: (index: SmallBlockIndex, files: SegmentFiles)?

    /// Opens the disk at `path`; nil when it has no readable key. Throws when its small blocks cannot be looked up.
    public init?(at path: String) throws(BlockStoreError) {
        guard let directory = try? FileDescriptor.open(path, flags: O_RDONLY | O_DIRECTORY),
            let key = SecretKeyFile.key(in: directory)
        else { return nil }
        self.path = path
        id = BlockServiceID(secretKey: key)
        _ = try DiskLayout.read(of: directory, path: path)
        let name = SmallBlockStore.directoryName
        guard try directory.has("\(name)/\(SmallBlockStore.indexName)") else {
            smallBlocks = nil
            return
        }
        let files = SegmentFiles(try .open(name, in: directory, flags: O_RDONLY | O_DIRECTORY))
        let index = try SmallBlockIndex(reading: "\(path)/\(name)/\(SmallBlockStore.indexName)")
        var state = try SmallBlockState(index)
        var recovery = SmallBlockRecovery(files, key, cleans: false)
        _ = try recovery.run(&state)
        smallBlocks = (index, files)
    }

    /// Where a block is said to lie, for people.
    public func place(of block: BlockID) -> String {
        let place = BlockPath(block)
        return "\(path)/\(BlockDisk.blocksName)/\(place.directory)/\(place.name)"
    }

    /// Data bytes of a block; nil when it is not there.
    public func size(of block: BlockID) throws(BlockStoreError) -> Int? {
        if let (index, files) = smallBlocks, let location = try index.location(of: block) {
            return try Self.size(of: location, in: files)
        }
        var status = stat()
        guard stat(place(of: block), &status) == 0 else {
            if errno == ENOENT { return nil }
            throw .last("stat \(place(of: block))")
        }
        let (pages, rest) = status.st_size.quotientAndRemainder(dividingBy: PageChunk.storedPageSize)
        return pages * PageChunk.pageSize + rest  // with a rest it is no size that a block can have
    }

    /// As far as the segment holds it; nil when the segment is gone.
    private static func size(
        of location: SmallBlockIndex.Location, in files: SegmentFiles
    ) throws(BlockStoreError) -> Int? {
        do throws(BlockStoreError) {
            let file = BlockFile(location, in: try files.open(location.segment))
            return try file.isCut() ? 0 : file.dataSize
        } catch .system(_, ENOENT) {
            return nil
        }
    }
}
