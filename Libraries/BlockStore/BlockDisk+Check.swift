import Erasure
import Protocol

extension BlockDisk {
    /// Reads a whole block and compares its size, the checksum of every page and of the whole. Throws `badChecksum` or
    /// `blockNotFound`. Asks the medium, not the page cache: what was fine when it was written may not be any more.
    public func check(
        _ block: BlockID, size: UInt32, expecting expected: CRC32C
    ) throws(BlockStoreError) {
        let file = try open(block)
        guard file.isWhole, file.dataSize == Int(size) else { throw .badChecksum }
        var range = try file.storedRange(offset: 0, count: size)
        let buffer = spareBuffer.withLock { $0.take() } ?? MediumBuffer()
        defer { spareBuffer.withLock { $0 = buffer } }
        var medium = MediumReader(file, of: range, using: buffer)
        var checksum: UInt32 = 0
        while range.count > 0 {
            let pages = try medium.next(&range)
            for offset in stride(from: 0, to: pages.count, by: PageChunk.storedPageSize) {
                let page = UnsafeRawBufferPointer(rebasing: pages[offset..<offset + PageChunk.pageSize])
                let sum = Castagnoli.sum(page)
                let stored = pages.loadUnaligned(fromByteOffset: offset + PageChunk.pageSize, as: UInt32.self)
                guard UInt32(littleEndian: stored) == sum else { throw .badChecksum }
                checksum = CastagnoliShift.page.append(checksum, sum)
            }
        }
        guard checksum == expected.rawValue else { throw .badChecksum }
    }
}
