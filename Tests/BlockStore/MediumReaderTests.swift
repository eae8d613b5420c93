import BlockStore
import Erasure
import Foundation
import Glibc
import Protocol
import TestSupport
import Testing

@Suite struct MediumReaderTests {
    private let temporary: TemporaryDisk
    private let disk: BlockDisk

    init() throws {
        temporary = try TemporaryDisk()
        disk = try temporary.open(smallBlockBytes: 65536)
    }

    private func id(_ number: Int) -> BlockID { BlockID(rawValue: UInt64(number) << 8 | 1) }

    /// Data of a range of a block, each page of which must be followed by its checksum.
    private func read(_ block: BlockID, _ offset: UInt32, _ count: UInt32) throws -> [UInt8] {
        let file = try disk.open(block)
        var range = try file.storedRange(offset: offset, count: count)
        var medium = MediumReader(file, of: range, using: MediumBuffer())
        var data: [UInt8] = []
        while range.count > 0 {
            let stored = try medium.next(&range)
            try #require(stored.count % PageChunk.storedPageSize == 0 && stored.count > 0)
            for start in stride(from: 0, to: stored.count, by: PageChunk.storedPageSize) {
                let page = UnsafeRawBufferPointer(rebasing: stored[start..<start + PageChunk.pageSize])
                let sum = stored.loadUnaligned(fromByteOffset: start + PageChunk.pageSize, as: UInt32.self)
                #expect(UInt32(littleEndian: sum) == CRC32C(of: Array(page)).rawValue)
                data += page
            }
        }
        return data
    }

    /// Small ones lie anywhere in a file that others share, large ones in files that end anywhere.
    @Test func readsWhatIsThereWhereverItLies() throws {
        var random = SeededGenerator(seed: 5)
        for (number, pages) in [1, 2, 15, 16, 17, 63, 64, 65, 128, 131].enumerated() {
            let data = random.bytes(pages * 4096)
            try disk.store(id(number), data)
            #expect(try read(id(number), 0, UInt32(data.count)) == data)
            let (from, to) = (pages / 3 * 4096, (pages - pages / 4) * 4096)
            #expect(try read(id(number), UInt32(from), UInt32(to - from)) == Array(data[from..<to]))
        }
    }

    @Test func aCutFileIsAnError() throws {
        let data = [UInt8](repeating: 3, count: 130 * 4096)
        try disk.store(id(1), data)
        let file = try disk.open(id(1))
        for left in [129 * 4100, 128 * 4100 + 17, 65 * 4096, 4100, 0] {
            truncate(temporary.file(of: id(1)), left)
            var range = try file.storedRange(offset: 0, count: UInt32(data.count))
            var medium = MediumReader(file, of: range, using: MediumBuffer())
            #expect(throws: BlockStoreError.self) { while range.count > 0 { _ = try medium.next(&range) } }
        }
    }

    /// Neither pages that readers have in memory go, nor do others come.
    @Test func checksLeaveTheCacheAlone() throws {
        try #require(TemporaryDisk.forgetsPages, "temporary files are in memory alone: set TMPDIR")
        let data = [UInt8](repeating: 7, count: 100 * 4096)
        try disk.store(id(1), data)
        let file = try disk.open(id(1))
        let range = try file.storedRange(offset: 0, count: UInt32(data.count))
        func inMemory() -> Int { TemporaryDisk.pagesInMemory(file.descriptor, range.offset, range.count) }
        func check() throws {
            try disk.check(id(1), size: UInt32(data.count), expecting: CRC32C(of: data))
        }
        file.forgetCached(range)
        try #require(inMemory() == 0)
        try check()
        #expect(inMemory() == 0)
        #expect(try disk.load(id(1), count: UInt32(data.count)) == data)
        let kept = inMemory()
        try check()
        #expect(kept > 0 && inMemory() == kept)
    }
}
