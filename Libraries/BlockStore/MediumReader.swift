import CLinux
import Glibc

/// Reads the stored pages of a block from the medium and not from the page cache: what was fine when it was written may
/// not be any more, and what readers want stays in memory. Where the filesystem cannot read past the cache, what it has
/// of the block is forgotten first.
package struct MediumReader: ~Copyable {
    private let file: BlockFile
    /// nil when the filesystem has no direct reads.
    private var direct: FileDescriptor?

    /// What direct reads are aligned to; no filesystem or disk wants more.
    private static let unit = 4096

    package init(_ file: BlockFile, of range: BlockFile.StoredRange) {
        self.file = file
        let raw = linux_reopen_direct(file.descriptor)
        direct = raw >= 0 ? FileDescriptor(owning: raw) : nil
        if raw < 0 { prepareCachedReads(range) }
    }

    private func prepareCachedReads(_ range: BlockFile.StoredRange) {
        file.forgetCached(range)
        file.willRead(range)
    }

    /// The next stored pages, up to a chunk's worth, from the start of `range`, which are taken off it. They lie in the
    /// chunk until it is used again.
    package mutating func next(
        _ range: inout BlockFile.StoredRange, using chunk: PageChunk
    ) throws(BlockStoreError) -> UnsafeRawBufferPointer {
        if let direct {
            do throws(BlockStoreError) {
                return try Self.next(&range, of: direct, using: chunk)
            } catch .system(_, EINVAL) {
                self.direct = nil
                prepareCachedReads(range)
            }
        }
        let count = try file.readStored(&range, into: chunk)
        return UnsafeRawBufferPointer(start: chunk.memory, count: count)
    }

    private static func next(
        _ range: inout BlockFile.StoredRange, of direct: FileDescriptor, using chunk: PageChunk
    ) throws(BlockStoreError) -> UnsafeRawBufferPointer {
        let count = min(PageChunk.pages * PageChunk.storedPageSize, range.count)
        let start = range.offset / unit * unit
        let skipped = range.offset - start
        let whole = (skipped + count + unit - 1) / unit * unit
        var done = 0
        // The file may end before the last unit does.
        while done < skipped + count {
            let got = pread(direct.raw, chunk.memory + done, whole - done, start + done)
            if got < 0, errno == EINTR { continue }
            guard got >= 0 else { throw .last("read block") }
            done += got
            let isCut = done < skipped + count && (got == 0 || done % unit != 0)
            if isCut { throw .system(operation: "read block", code: EIO) }
        }
        range.offset += count
        range.count -= count
        return UnsafeRawBufferPointer(start: chunk.memory + skipped, count: count)
    }
}
