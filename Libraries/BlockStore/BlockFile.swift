import CLinux
import Glibc
import Protocol

/// A stored block opened for reading. Its descriptor stays valid when the block is erased meanwhile.
public final class BlockFile: Sendable {
    /// Data bytes of the block (checksums not counted).
    public let dataSize: Int
    private let file: FileDescriptor
    /// Where its pages begin in the file, which a small block shares with others.
    private let base: Int
    private let segment: SegmentFile?

    init(_ block: BlockID, on disk: BlockDisk) throws(BlockStoreError) {
        let path = BlockPath(block)
        do {
            let name = "\(path.directory)/\(path.name)"
            file = try FileDescriptor.open(name, in: disk.blocksDirectory, flags: O_RDONLY)
        } catch .system(_, ENOENT) {
            throw .blockNotFound
        }
        base = 0
        segment = nil
        storedSize = try file.size()
        dataSize = storedSize / PageChunk.storedPageSize * PageChunk.pageSize
    }

    init(_ location: SmallBlockIndex.Location, in segment: SegmentFile) {
        file = segment.file
        self.segment = segment
        base = location.offset
        dataSize = Int(location.size)
        storedSize = dataSize / PageChunk.pageSize * PageChunk.storedPageSize
    }

    /// Bytes of the pages with their checksums.
    let storedSize: Int

    /// Whether holding it keeps space that others' erased blocks would give back: its segment was deleted.
    public var isRetired: Bool { segment?.isRetired ?? false }

    /// Whether the file ends before the block does.
    func isCut() throws(BlockStoreError) -> Bool { try file.size() < base + storedSize }

    /// Whether the file ends at the end of a page, as every complete block does.
    var isWhole: Bool { storedSize % PageChunk.storedPageSize == 0 }

    /// A piece of the file that holds whole pages with their checksums.
    public struct StoredRange: Hashable, Sendable {
        /// In bytes of the file.
        public var offset: Int, count: Int

        /// No page at all.
        public static let empty = StoredRange(offset: 0, count: 0)
    }

    /// Where the pages of a range of data lie. Throws `outOfBounds` unless both are multiples of 4096 and inside of
    /// the block.
    public func storedRange(offset: UInt32, count: UInt32) throws(BlockStoreError) -> StoredRange {
        let (start, length) = (Int(offset), Int(count))
        guard start % PageChunk.pageSize == 0, length % PageChunk.pageSize == 0, start + length <= dataSize else {
            throw .outOfBounds
        }
        return StoredRange(
            offset: base + start / PageChunk.pageSize * PageChunk.storedPageSize,
            count: length / PageChunk.pageSize * PageChunk.storedPageSize)
    }

    /// The descriptor, for sendfile. Valid as long as this object.
    public var descriptor: Int32 { file.raw }

    /// Tells the kernel that this range is about to be read.
    ///
    /// A few pages are asked for by one request to the disk. For more of a file the kernel's own reading ahead is
    /// better: what it is told to read it reads into single pages, and what it reads ahead into large folios. It was
    /// measured for whole blocks; see the README. A segment stays as it is, since many blocks are read through its
    /// descriptor.
    public func willRead(_ range: StoredRange) {
        if range.count <= Self.fewBytes || segment != nil {
            posix_fadvise(file.raw, range.offset, range.count, POSIX_FADV_WILLNEED)
        } else {
            posix_fadvise(file.raw, 0, 0, POSIX_FADV_SEQUENTIAL)
        }
    }

    private static let fewBytes = 128 << 10

    /// Lets the kernel forget what it has of this range in memory, so that what is read next comes from the medium.
    /// What is not written to it yet stays.
    package func forgetCached(_ range: StoredRange) {
        // The kernel keeps a folio that is not wholly meant, and a small block lies somewhere in a large one.
        let start = range.offset / Self.largestFolioBytes * Self.largestFolioBytes
        let end = (range.offset + range.count + Self.largestFolioBytes - 1) / Self.largestFolioBytes
            * Self.largestFolioBytes
        posix_fadvise(file.raw, start, end - start, POSIX_FADV_DONTNEED)
    }

    /// A huge page, and folios begin at multiples of their size.
    private static let largestFolioBytes = 2 << 20

    /// Reads the data of up to a chunk's worth of pages from the start of `range` and takes them off it. Their data
    /// bytes, without checksums, then are `chunk.data(result)`.
    public func readData(_ range: inout StoredRange, into chunk: PageChunk) throws(BlockStoreError) -> Int {
        let pages = min(PageChunk.pages, range.count / PageChunk.storedPageSize)
        guard pages > 0 else { return 0 }
        try read(&range, pages: pages) { chunk.readData(from: $0, at: $1, pages: pages) }
        return pages * PageChunk.pageSize
    }

    /// Reads pages from the start of `range` with a vectored read of a descriptor at an offset, and takes them off it.
    func read(
        _ range: inout StoredRange, pages: Int, _ call: (Int32, Int) -> Int
    ) throws(BlockStoreError) {
        let wanted = pages * PageChunk.storedPageSize
        var count = 0
        repeat {
            count = call(file.raw, range.offset)
        } while count < 0 && errno == EINTR
        guard count >= 0 else { throw .last("read block") }
        // Bounds were checked against the size, so less means that the file was cut since.
        guard count == wanted else { throw .system(operation: "read block", code: EIO) }
        range.offset += wanted
        range.count -= wanted
    }

    /// Reads stored pages with their checksums if all of them are in memory, without waiting for the disk. False when
    /// they are not, whatever the reason; the buffer's contents are undefined then.
    public func readResident(_ range: StoredRange, into buffer: UnsafeMutableRawPointer) -> Bool {
        linux_read_resident(file.raw, buffer, range.count, Int64(range.offset)) == range.count
    }

    /// Fills `buffer` with stored pages and their checksums from the start of `range` and takes them off it.
    func readStored(
        _ range: inout StoredRange, into buffer: UnsafeMutableRawBufferPointer
    ) throws(BlockStoreError) {
        let count = try file.read(into: buffer, at: range.offset)
        guard count == buffer.count else { throw .system(operation: "read block", code: EIO) }
        range.offset += count
        range.count -= count
    }
}
