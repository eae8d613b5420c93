import CLinux
import Glibc

/// Memory for direct reads.
///
/// `@unchecked Sendable`: the pointer never changes, and one thread uses the memory at a time: the one that made the
/// buffer, then whoever takes it out of `BlockDisk.spareBuffer`, whose lock orders the two.
package final class MediumBuffer: @unchecked Sendable {
    /// What direct reads are aligned to; no filesystem or disk wants more.
    static let unit = 4096
    /// Read at once: a disk that turns has to find its place each time, and nothing reads ahead of direct reads.
    static let pagesAtOnce = 128

    let memory: UnsafeMutableRawPointer

    package init() {
        // What is read may begin and end within a unit.
        let bytes = Self.pagesAtOnce * PageChunk.storedPageSize + 2 * Self.unit
        memory = .allocate(byteCount: bytes, alignment: Self.unit)
    }

    deinit { memory.deallocate() }
}

/// Reads the stored pages of a block from the medium and not from the page cache: what was fine when it was written may
/// not be any more, and what readers want stays in memory. Where the filesystem cannot read past the cache, what it has
/// of the block is forgotten first.
package struct MediumReader: ~Copyable {
    private let file: BlockFile
    private let buffer: MediumBuffer
    /// nil when the filesystem has no direct reads.
    private var direct: FileDescriptor?

    package init(_ file: BlockFile, of range: BlockFile.StoredRange, using buffer: MediumBuffer) {
        self.file = file
        self.buffer = buffer
        let raw = linux_reopen_direct(file.descriptor)
        direct = raw >= 0 ? FileDescriptor(owning: raw) : nil
        if raw < 0 { prepareCachedReads(range) }
    }

    private func prepareCachedReads(_ range: BlockFile.StoredRange) {
        file.forgetCached(range)
        file.willRead(range)
    }

    /// The next stored pages from the start of `range`, which are taken off it. Valid until the next call.
    package mutating func next(
        _ range: inout BlockFile.StoredRange
    ) throws(BlockStoreError) -> UnsafeRawBufferPointer {
        let count = min(MediumBuffer.pagesAtOnce * PageChunk.storedPageSize, range.count)
        if let direct {
            do throws(BlockStoreError) {
                return try next(&range, count, of: direct)
            } catch .system(_, EINVAL) {
                self.direct = nil
                prepareCachedReads(range)
            }
        }
        let pages = UnsafeMutableRawBufferPointer(start: buffer.memory, count: count)
        try file.readStored(&range, into: pages)
        return UnsafeRawBufferPointer(pages)
    }

    private func next(
        _ range: inout BlockFile.StoredRange, _ count: Int, of direct: FileDescriptor
    ) throws(BlockStoreError) -> UnsafeRawBufferPointer {
        let unit = MediumBuffer.unit
        let start = range.offset / unit * unit
        let skipped = range.offset - start
        let whole = (skipped + count + unit - 1) / unit * unit
        var done = 0
        // The file may end before the last unit does. To go on behind such an end would not be aligned any more.
        while done < skipped + count {
            let got = pread(direct.raw, buffer.memory + done, whole - done, start + done)
            if got < 0, errno == EINTR { continue }
            guard got >= 0 else { throw .system(operation: "read block", code: Self.meaning(of: errno)) }
            done += got
            let isCut = done < skipped + count && (got == 0 || done % unit != 0)
            if isCut { throw .system(operation: "read block", code: EIO) }
        }
        range.offset += count
        range.count -= count
        return UnsafeRawBufferPointer(start: buffer.memory + skipped, count: count)
    }

    /// Direct reads say in many ways that the medium failed (EILSEQ, EREMOTEIO, ETIMEDOUT and others), reads through the
    /// page cache only EIO.
    private static func meaning(of code: Int32) -> Int32 {
        [EINVAL, ENOMEM].contains(code) ? code : EIO
    }
}
