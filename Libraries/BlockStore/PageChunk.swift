import Glibc

/// A buffer of interleaved pages, each 4096 data bytes and room for their checksum: the form in which blocks lie on
/// the disk and travel to readers. Data is scattered into it straight from a socket, so it is never moved to make room
/// for the checksums.
///
/// Chunks belong to whoever works at the moment, not to a connection: what a slow sender leaves behind is less than a
/// page.
///
/// `@unchecked Sendable`: plain memory without an owner of its own. One thread uses a chunk at a time; whoever passes
/// it on (a pool with a lock) orders the two.
public final class PageChunk: @unchecked Sendable {
    /// Data bytes of a page.
    public static let pageSize = 4096
    /// Bytes of a page with its checksum.
    public static let storedPageSize = 4100
    /// Pages of a chunk; 256 KiB stay in a core's second-level cache between receiving, checksum and write.
    public static let pages = 64
    /// Data bytes of a chunk.
    static let dataCapacity = pages * pageSize

    let memory: UnsafeMutableRawPointer
    private let vectors: UnsafeMutablePointer<iovec>

    public init() {
        memory = .allocate(byteCount: Self.pages * Self.storedPageSize, alignment: 64)
        vectors = .allocate(capacity: Self.pages * 2)
    }

    deinit {
        memory.deallocate()
        vectors.deallocate()
    }

    /// Where data byte `position` of the chunk lies in memory.
    static func offset(ofData position: Int) -> Int { position + position / pageSize * (storedPageSize - pageSize) }

    /// Reads from a descriptor into the data bytes `position ..< end`. Returns what `readv` does.
    func receive(from descriptor: Int32, into position: Int, upTo end: Int) -> Int {
        var count: Int32 = 0
        var next = position
        while next < end {
            let pageEnd = min((next / Self.pageSize + 1) * Self.pageSize, end)
            vectors[Int(count)] = iovec(iov_base: memory + Self.offset(ofData: next), iov_len: pageEnd - next)
            count += 1
            next = pageEnd
        }
        return readv(descriptor, vectors, count)
    }

    /// Copies bytes to the data bytes from `position` on. They fit.
    func copy(_ bytes: UnsafeRawBufferPointer, to position: Int) {
        precondition(position + bytes.count <= Self.dataCapacity)
        var done = 0
        while done < bytes.count, let base = bytes.baseAddress {
            let at = position + done
            let count = min(Self.pageSize - at % Self.pageSize, bytes.count - done)
            (memory + Self.offset(ofData: at)).copyMemory(from: base + done, byteCount: count)
            done += count
        }
    }

    /// Reads `pages` stored pages at a file offset so that only their data lands in memory, without gaps.
    /// Returns what `preadv` does; a full answer has 4100 bytes per page.
    func readData(from file: Int32, at offset: Int, pages: Int) -> Int {
        precondition((1...Self.pages).contains(pages))
        let checksums = memory + Self.dataCapacity  // the room left where pages lie without gaps
        for page in 0..<pages {
            vectors[2 * page] = iovec(iov_base: memory + page * Self.pageSize, iov_len: Self.pageSize)
            vectors[2 * page + 1] = iovec(
                iov_base: checksums, iov_len: Self.storedPageSize - Self.pageSize)
        }
        return preadv(file, vectors, Int32(2 * pages), offset)
    }

    /// Reads the checksums of `pages` stored pages at a file offset, four bytes each, without gaps. They lie between
    /// the pages, which all go to the same place: the processor's first cache is fast to throw things away.
    /// Returns what `preadv` does; a full answer has 4100 bytes per page.
    func readSums(from file: Int32, at offset: Int, pages: Int) -> Int {
        precondition((1...Self.pages).contains(pages))
        for page in 0..<pages {
            vectors[2 * page] = iovec(iov_base: memory, iov_len: Self.pageSize)
            vectors[2 * page + 1] = iovec(iov_base: memory + Self.pageSize + page * 4, iov_len: 4)
        }
        return preadv(file, vectors, Int32(2 * pages), offset)
    }

    /// What `readSums` left.
    func sums(ofPages pages: Int) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(start: memory + Self.pageSize, count: pages * 4)
    }

    /// The first `count` bytes of memory, as `readData` left them.
    public func data(_ count: Int) -> UnsafeRawBufferPointer {
        precondition(count <= Self.pages * Self.storedPageSize)
        return UnsafeRawBufferPointer(start: memory, count: count)
    }
}
