import Glibc

/// Reads the records of a segment in order and finds its way past damage: where no header stands it looks for the next
/// one. Belongs to one thread at a time.
final class SegmentReader {
    /// A record and where it lies.
    struct Found {
        var record: SegmentRecord
        /// Of its header, in the segment.
        var offset: Int
        /// Bytes before it that are no record.
        var skipped: Int

        var pagesOffset: Int { offset + SegmentRecord.headerSize }
    }

    private let file: FileDescriptor
    private let seal: SegmentSeal
    private let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: SegmentReader.capacity, alignment: 8)
    private var bufferStart = 0
    private var bufferCount = 0
    private var position: Int
    /// Where the last record that was found ends.
    private(set) var validEnd: Int

    /// At least twice the longest record.
    private static let capacity = 1 << 20

    init(_ file: FileDescriptor, _ seal: SegmentSeal, from offset: Int) {
        self.file = file
        self.seal = seal
        position = offset
        validEnd = offset
    }

    deinit { buffer.deallocate() }

    /// The next record all of whose bytes are in the file; nil at the end.
    func next() throws(BlockStoreError) -> Found? {
        var skipped = 0
        while let header = try bytes(at: position, SegmentRecord.headerSize) {
            if let record = SegmentRecord(from: header, in: seal), try bytes(at: position, record.length) != nil {
                let found = Found(record: record, offset: position, skipped: skipped)
                position += record.length
                validEnd = position
                return found
            }
            position += SegmentRecord.alignment
            skipped += SegmentRecord.alignment
        }
        return nil
    }

    /// The pages of the record that `next` found last, until its next call.
    func pages(of found: Found) throws(BlockStoreError) -> UnsafeRawBufferPointer {
        guard let start = try bytes(at: found.pagesOffset, found.record.storedSize) else {
            throw .system(operation: "read segment", code: EIO)
        }
        return UnsafeRawBufferPointer(start: start, count: found.record.storedSize)
    }

    /// Nil when the file has fewer bytes.
    private func bytes(at offset: Int, _ count: Int) throws(BlockStoreError) -> UnsafeRawPointer? {
        let (end, isTooFar) = offset.addingReportingOverflow(count)
        guard !isTooFar else { return nil }
        if offset < bufferStart || end > bufferStart + bufferCount {
            bufferStart = offset
            bufferCount = 0
            bufferCount = try file.read(into: buffer, at: offset)
        }
        guard let base = buffer.baseAddress, end <= bufferStart + bufferCount else { return nil }
        return UnsafeRawPointer(base + (offset - bufferStart))
    }
}
