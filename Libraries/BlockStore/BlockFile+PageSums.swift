import Protocol

extension BlockFile {
    /// The checksums of all pages as they are stored, four bytes each, little-endian. Reads the whole block, because
    /// they lie between its pages; does not compare them with the pages, which whoever fetches those does. Throws
    /// `badChecksum` when the block has another size.
    public func pageSums(size: UInt32, using chunk: PageChunk) throws(BlockStoreError) -> [UInt8] {
        guard isWhole, dataSize == Int(size) else { throw .badChecksum }
        var range = try storedRange(offset: 0, count: size)
        willRead(range)
        var sums: [UInt8] = []
        sums.reserveCapacity(dataSize / PageChunk.pageSize * 4)
        while range.count > 0 {
            let pages = min(PageChunk.pages, range.count / PageChunk.storedPageSize)
            try read(&range, pages: pages) { chunk.readSums(from: $0, at: $1, pages: pages) }
            sums.append(contentsOf: chunk.sums(ofPages: pages))
        }
        return sums
    }
}
