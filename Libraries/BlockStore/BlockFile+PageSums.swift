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
            let count = try readStored(&range, into: chunk)
            for page in stride(from: 0, to: count, by: PageChunk.storedPageSize) {
                let sum = UnsafeRawBufferPointer(start: chunk.memory + page + PageChunk.pageSize, count: 4)
                sums.append(contentsOf: sum)
            }
        }
        return sums
    }
}
