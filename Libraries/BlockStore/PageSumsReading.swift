import Protocol

/// The checksums of all pages of a block as they are stored, four bytes each, little-endian, read in pieces. The whole
/// block is read, because they lie between its pages; they are not compared with the pages, which whoever fetches those
/// does.
public struct PageSumsReading {
    /// What was read so far; all of them when `isComplete`.
    public private(set) var sums: [UInt8] = []
    private let file: BlockFile
    private var range: BlockFile.StoredRange

    /// Throws `badChecksum` when the block has another size.
    public init(_ file: BlockFile, size: UInt32) throws(BlockStoreError) {
        guard file.isWhole, file.dataSize == Int(size) else { throw .badChecksum }
        self.file = file
        range = try file.storedRange(offset: 0, count: size)
        file.willRead(range)
        sums.reserveCapacity(file.dataSize / PageChunk.pageSize * 4)
    }

    public var isComplete: Bool { range.count == 0 }

    /// Reads on, about `limit` bytes of the file.
    public mutating func read(atMost limit: Int, using chunk: PageChunk) throws(BlockStoreError) {
        let end = max(range.count - limit, 0)
        while range.count > end {
            let pages = min(PageChunk.pages, range.count / PageChunk.storedPageSize)
            try file.read(&range, pages: pages) { chunk.readSums(from: $0, at: $1, pages: pages) }
            sums.append(contentsOf: chunk.sums(ofPages: pages))
        }
    }
}
