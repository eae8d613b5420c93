import BlockStore
import Protocol

/// The loop's own buffer for answers of pages that are in memory. What `read` returns is valid until the next call.
final class ResidentAnswer {
    /// Data bytes up to which copying on the loop is cheaper than handing the request to a thread.
    static let largestCount: UInt32 = 64 << 10

    private let buffer: UnsafeMutableRawBufferPointer
    private let headerSize: Int

    init() {
        let header = Answers.header(of: .fetchBlockWithCrc)
        let pages = Int(Self.largestCount) / PageChunk.pageSize
        headerSize = header.count
        buffer = .allocate(byteCount: header.count + pages * PageChunk.storedPageSize, alignment: 8)
        buffer.copyBytes(from: header)
    }

    deinit { buffer.deallocate() }

    /// A whole response; nil when not all of it is in memory.
    func read(_ range: BlockFile.StoredRange, of file: BlockFile) -> UnsafeRawBufferPointer? {
        guard headerSize + range.count <= buffer.count, let base = buffer.baseAddress,
            file.readResident(range, into: base + headerSize)
        else { return nil }
        return UnsafeRawBufferPointer(rebasing: buffer[..<(headerSize + range.count)])
    }
}
