import BlockStore
import Erasure
import Foundation
import Glibc
import Protocol
import TestSupport
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

    @Test func aFullDiskStillErasesAndRecovers() throws {
        let filesystem = try SmallFilesystem(kibibytes: 32 << 10)
        var disk: BlockDisk? = try BlockDisk(opening: "\(filesystem.path)/disk")
        let stored = try fill(try #require(disk), from: 0)
        #expect((400...1000).contains(stored) && disk?.blocks == stored)
        // Somebody else takes the very last of it.
        let other = open("\(filesystem.path)/other", O_WRONLY | O_CREAT | O_CLOEXEC, 0o600)
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

    /// However little is free beside the reserve: what a crash took from the index needs room again.
    @Test func aFullDiskOpensAfterACrash() throws {
        let temporary = try TemporaryDisk()
        let disk = try temporary.open(smallBlockBytes: 65536)
        let page = [UInt8](repeating: 7, count: 4096)
        for number in 0..<1500 { try disk.store(id(number), page) }
        let crashed = try TemporaryDisk()
        try FileManager.default.removeItem(atPath: crashed.path)
        try FileManager.default.copyItem(atPath: temporary.path, toPath: crashed.path)
        withExtendedLifetime(disk) {}
        for free in stride(from: 0, to: 160, by: 8) {
            let filesystem = try SmallFilesystem(kibibytes: 32 << 10)
            let path = "\(filesystem.path)/disk"
            try copyDisk(crashed.path, to: path)
            let other = open("\(filesystem.path)/other", O_WRONLY | O_CREAT | O_CLOEXEC, 0o600)
            while write(other, page, page.count) == page.count {}
            ftruncate(other, lseek(other, 0, SEEK_END) - free << 10)
            close(other)
            let again = try BlockDisk(opening: path)
            let damage = String(describing: again.damage)
            #expect(again.damage == nil && again.blocks == 1500, "\(free) KiB free: \(damage)")
        }
    }

    /// Byte by byte, since the reserve has no holes. Programs that other tests start must not inherit any descriptor
    /// here, as they do from Foundation's copying: they would keep the space of what is deleted later.
    private func copyDisk(_ source: String, to target: String) throws {
        let manager = FileManager.default
        try manager.createDirectory(atPath: target, withIntermediateDirectories: false)
        for name in try manager.subpathsOfDirectory(atPath: source).sorted() {
            var isDirectory: ObjCBool = false
            try #require(manager.fileExists(atPath: "\(source)/\(name)", isDirectory: &isDirectory))
            if isDirectory.boolValue {
                try manager.createDirectory(atPath: "\(target)/\(name)", withIntermediateDirectories: false)
                continue
            }
            let content = try #require(manager.contents(atPath: "\(source)/\(name)"))
            let copy = open("\(target)/\(name)", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
            defer { close(copy) }
            try #require(content.withUnsafeBytes { write(copy, $0.baseAddress, $0.count) } == content.count)
        }
    }

    @Test func aDiskWithoutAnyRoomComesBackWhenThereIsSome() throws {
        let filesystem = try SmallFilesystem(kibibytes: 16 << 10)
        var disk: BlockDisk? = try BlockDisk(opening: "\(filesystem.path)/disk")
        try disk?.store(id(1), data(1))
        disk = nil
        unlink("\(filesystem.path)/disk/small_blocks/reserve")
        let other = open("\(filesystem.path)/other", O_WRONLY | O_CREAT | O_CLOEXEC, 0o600)
        let page = [UInt8](repeating: 1, count: 4096)
        while write(other, page, page.count) == page.count {}
        close(other)
        disk = try BlockDisk(opening: "\(filesystem.path)/disk")
        #expect(disk?.damage?.isOutOfSpace == true)
        disk?.repairSmallBlocks()
        let error = #expect(throws: BlockStoreError.self) { _ = try disk?.open(id(1)) }
        #expect(error?.isOutOfSpace == true)
        unlink("\(filesystem.path)/other")
        disk?.repairSmallBlocks()
        #expect(disk?.damage == nil)
        #expect(try disk?.load(id(1), count: 32768) == data(1))
    }

    @Test func halfOfTheReserveIsNeverWrittenTo() throws {
        let filesystem = try SmallFilesystem(kibibytes: 32 << 10)
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
