import CLinux
import Glibc
import Protocol

/// Appends batches to the segment at the end of the log and makes each durable with one sync.
///
/// While batches are small it writes zeros ahead of them, so that most syncs change neither the file's size nor its
/// extents and cost no commit of the filesystem's journal: on ext4 three times as many a second. A segment that was
/// left behind, by a full one, an error or a restart, is never written again.
struct SegmentWriter {
    /// A record that is to be appended.
    struct Pending {
        var record: SegmentRecord
        /// As long as the record says.
        var pages: [UInt8]
    }

    private struct Current {
        var number: UInt64
        var file: FileDescriptor
        /// Where the next batch goes; everything before is durable.
        var end = 0
        /// Up to where the file is written, with zeros from `end` on.
        var preparedEnd = 0
    }

    private let files: SegmentFiles
    private let key: SecretKey
    private var current: Current?
    private(set) var nextNumber: UInt64

    /// Where a segment is full, in bytes. A batch may go beyond.
    static let fullBytes = 64 << 20
    private static let aheadBytes = 256 << 10

    init(_ files: SegmentFiles, _ key: SecretKey, nextNumber: UInt64) {
        self.files = files
        self.key = key
        self.nextNumber = nextNumber
    }

    /// The segment that is being written, if any.
    var number: UInt64? { current?.number }
    /// Where its next batch goes.
    var end: Int { current?.end ?? 0 }
    var isFull: Bool { end >= Self.fullBytes }

    /// What became of a batch: the segment, and where each record begins.
    struct Written {
        var segment: UInt64
        var offsets: [Int]
        var end: Int
    }

    /// Appends records, with their batch's number, and returns when they are durable. After an error none of them
    /// counts, whatever of them is on the disk.
    mutating func append(_ pending: [Pending], batch: UInt64) throws(BlockStoreError) -> Written {
        var segment = try opened()
        let size = pending.reduce(0) { $0 + $1.record.length }
        let isExtending = segment.end + size > segment.preparedEnd
        var ahead = isExtending && size < Self.aheadBytes ? Self.aheadBytes : 0
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: size + ahead, alignment: 8)
        defer { buffer.deallocate() }
        let offsets = fill(buffer, pending, batch, segment)
        do throws(BlockStoreError) {
            do throws(BlockStoreError) {
                try segment.file.write(UnsafeRawBufferPointer(buffer), at: segment.end)
            } catch where error.isOutOfSpace && ahead > 0 {
                ahead = 0
                try segment.file.write(UnsafeRawBufferPointer(rebasing: buffer[..<size]), at: segment.end)
            }
            try segment.file.syncData(SegmentFiles.name(segment.number))
        } catch {
            giveUp(segment, after: error)
            throw error
        }
        segment.end += size
        segment.preparedEnd = max(segment.preparedEnd, segment.end + ahead)
        current = segment
        return Written(segment: segment.number, offsets: offsets, end: segment.end)
    }

    /// Lays records out; returns where each begins in the segment.
    private func fill(
        _ buffer: UnsafeMutableRawBufferPointer, _ pending: [Pending], _ batch: UInt64, _ segment: Current
    ) -> [Int] {
        let seal = SegmentSeal(key, segment: segment.number)
        var (offsets, position): ([Int], Int) = ([], 0)
        guard let base = buffer.baseAddress else { return [] }
        for var item in pending {
            precondition(item.pages.count == item.record.storedSize)
            item.record.batch = batch
            item.record.encode(to: base + position, in: seal)
            item.pages.withUnsafeBytes { pages in
                guard let source = pages.baseAddress else { return }
                (base + position + SegmentRecord.headerSize).copyMemory(from: source, byteCount: pages.count)
            }
            offsets.append(segment.end + position)
            position += item.record.length
        }
        (base + position).initializeMemory(as: UInt8.self, repeating: 0, count: buffer.count - position)
        return offsets
    }

    /// A full disk leaves the segment as it was. After any other error nobody knows what the disk has: it is left.
    private mutating func giveUp(_ segment: Current, after error: BlockStoreError) {
        guard error.isOutOfSpace, ftruncate(segment.file.raw, segment.end) == 0 else { return leave() }
        current?.preparedEnd = segment.end
    }

    /// Leaves the present segment: the next batch begins another. Zeros ahead and what failed are cut off.
    mutating func leave() {
        guard let segment = current else { return }
        current = nil
        if segment.end == 0 {
            unlinkat(files.directory.raw, SegmentFiles.name(segment.number), 0)
        } else {
            // When this fails the rest is found at the next start, as after a crash.
            _ = ftruncate(segment.file.raw, segment.end)
        }
    }

    /// The present segment, or a new one, whose name is durable.
    private mutating func opened() throws(BlockStoreError) -> Current {
        if let current { return current }
        let number = nextNumber
        nextNumber += 1  // also when this fails: no name is tried twice
        let name = SegmentFiles.name(number)
        let file = try FileDescriptor.open(
            name, in: files.directory, flags: O_WRONLY | O_CREAT | O_EXCL, mode: 0o666)
        do throws(BlockStoreError) {
            try files.directory.sync("directory of segments")
        } catch {
            unlinkat(files.directory.raw, name, 0)
            throw error
        }
        let segment = Current(number: number, file: file)
        current = segment
        return segment
    }
}
