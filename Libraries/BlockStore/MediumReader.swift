import CLinux
import Glibc

/// Reads the stored pages of a block from the medium and not from the page cache: what was fine when it was written may
/// not be any more, and what readers want stays in memory. Where the filesystem cannot read past the cache, what it has
/// of the block is forgotten first.
package struct MediumReader: ~Copyable {
    private let file: BlockFile
    /// Aligned as direct reads need it.
    private let buffer: UnsafeMutableRawPointer
    /// nil when the filesystem has no direct reads.
    private var direct: FileDescriptor?

    /// What direct reads are aligned to; no filesystem or disk wants more.
    private static let unit = 4096
    /// Read at once: a disk that turns has to find its place each time, and nothing reads ahead of direct reads.
    private static let pagesAtOnce = 256

    package init(_ file: BlockFile, of range: BlockFile.StoredRange) {
        self.file = file
        let pages = min(Self.pagesAtOnce, range.count / PageChunk.storedPageSize)
        // What is read may begin and end within a unit.
        let bytes = pages * PageChunk.storedPageSize + 2 * Self.unit
        buffer = .allocate(byteCount: bytes, alignment: Self.unit)
        let raw = linux_reopen_direct(file.descriptor)
        direct = raw >= 0 ? FileDescriptor(owning: raw) : nil
        if raw < 0 { prepareCachedReads(range) }
    }

    deinit { buffer.deallocate() }

    private func prepareCachedReads(_ range: BlockFile.StoredRange) {
        file.forgetCached(range)
        file.willRead(range)
    }

    /// The next stored pages from the start of `range`, which are taken off it. Valid until the next call.
    package mutating func next(
        _ range: inout BlockFile.StoredRange
    ) throws(BlockStoreError) -> UnsafeRawBufferPointer {
        let count = min(Self.pagesAtOnce * PageChunk.storedPageSize, range.count)
        if let direct {
            do throws(BlockStoreError) {
                return try next(&range, count, of: direct)
            } catch .system(_, EINVAL) {
                self.direct = nil
                prepareCachedReads(range)
            }
        }
        let pages = UnsafeMutableRawBufferPointer(start: buffer, count: count)
        try file.readStored(&range, into: pages)
        return UnsafeRawBufferPointer(pages)
    }

    private func next(
        _ range: inout BlockFile.StoredRange, _ count: Int, of direct: FileDescriptor
    ) throws(BlockStoreError) -> UnsafeRawBufferPointer {
        let unit = Self.unit
        let start = range.offset / unit * unit
        let skipped = range.offset - start
        let whole = (skipped + count + unit - 1) / unit * unit
        var done = 0
        // The file may end before the last unit does.
        while done < skipped + count {
            let got = pread(direct.raw, buffer + done, whole - done, start + done)
            if got < 0, errno == EINTR { continue }
            guard got >= 0 else { throw .system(operation: "read block", code: Self.meaning(of: errno)) }
            done += got
            let isCut = done < skipped + count && (got == 0 || done % unit != 0)
            if isCut { throw .system(operation: "read block", code: EIO) }
        }
        range.offset += count
        range.count -= count
        return UnsafeRawBufferPointer(start: buffer + skipped, count: count)
    }

    /// Direct reads say in many ways that the medium failed (EILSEQ, EREMOTEIO, ETIMEDOUT and others); what is read into
    /// the page cache only knows EIO.
    private static func meaning(of code: Int32) -> Int32 {
        [EINVAL, ENOMEM].contains(code) ? code : EIO
    }
}
