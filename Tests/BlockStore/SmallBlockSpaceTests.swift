import BlockStore
import Erasure
import Foundation
import Glibc
import Protocol
import Testing

/// Small blocks on a disk without space.
@Suite(.timeLimit(.minutes(1))) struct SmallBlockSpaceTests {
    private func id(_ number: Int) -> BlockID { BlockID(rawValue: UInt64(number) << 8 | 3) }

    private func data(_ number: Int) -> [UInt8] {
        [UInt8](repeating: UInt8(truncatingIfNeeded: number), count: 32768)
    }

    /// Stores blocks until the disk is full; how many.
    private func fill(_ disk: BlockDisk, from first: Int) throws -> Int {
        for number in first..<first + 4000 {
            do {
                try disk.store(id(number), data(number))
            } catch let error as BlockStoreError {
                #expect(error.isOutOfSpace, "\(error)")
                return number - first
            }
        }
        return 4000
    }

    @Test(.enabled(if: SmallFilesystem.isAvailable, "needs the right to mount"))
    func aFullDiskStillErasesAndRecovers() throws {
        let filesystem = try #require(SmallFilesystem(kibibytes: 32 << 10))
        var disk: BlockDisk? = try BlockDisk(opening: "\(filesystem.path)/disk")
        let stored = try fill(try #require(disk), from: 0)
        #expect((400...1000).contains(stored) && disk?.blocks == stored)
        // Somebody else takes the very last of it.
        let other = open("\(filesystem.path)/other", O_WRONLY | O_CREAT, 0o600)
        let page = [UInt8](repeating: 1, count: 4096)
        while write(other, page, page.count) == page.count {}
        close(other)
        #expect(try disk?.capacity().available == 0)
        #expect(try fill(try #require(disk), from: 5000) == 0)
        for number in stride(from: 0, to: stored, by: 7) {
            #expect(try disk?.load(id(number), count: 32768) == data(number))
        }
        for number in 0..<stored where number % 10 != 0 { try disk?.erase(id(number)) }
        #expect(disk?.blocks == (stored + 9) / 10)
        let again = try fill(try #require(disk), from: 10_000)
        #expect(again > stored / 2)
        disk = nil
        disk = try BlockDisk(opening: "\(filesystem.path)/disk")
        #expect(disk?.damage == nil && disk?.blocks == (stored + 9) / 10 + again)
        for number in stride(from: 0, to: stored, by: 10) {
            #expect(try disk?.load(id(number), count: 32768) == data(number))
        }
        for number in 10_000..<10_000 + again {
            #expect(try disk?.load(id(number), count: 32768) == data(number))
        }
    }

    @Test(.enabled(if: SmallFilesystem.isAvailable, "needs the right to mount"))
    func halfOfTheReserveIsNeverWrittenTo() throws {
        let filesystem = try #require(SmallFilesystem(kibibytes: 32 << 10))
        let options = BlockDiskOptions(reservedBytes: 16 << 20)
        let disk = try BlockDisk(opening: "\(filesystem.path)/disk", options: options)
        let stored = try fill(disk, from: 0)
        #expect(stored > 300)
        let available = try disk.capacity().available
        #expect(available > 7 << 20 && available < 9 << 20)
        #expect(throws: BlockStoreError.self) { _ = try disk.write(id(9000), size: 1 << 20) }
        #expect(throws: BlockStoreError.self) { _ = try disk.writeTrial(size: 1 << 20) }
        for number in 0..<stored { try disk.erase(id(number)) }
        #expect(try disk.capacity().available > 20 << 20)
    }
}
