import BlockStore
import Erasure
import Foundation
import Glibc
import Protocol
import Store
import TestSupport
import Testing

/// What a disk does by itself about damage to the index of its small blocks, and to their segments.
@Suite(.timeLimit(.minutes(3))) struct SmallBlockRepairTests: SmallBlockSuite {
    let temporary: TemporaryDisk
    private let files = FileManager.default

    init() throws { temporary = try TemporaryDisk() }

    private func data(_ number: Int, pages: Int = 2) -> [UInt8] {
        var random = SeededGenerator(seed: UInt64(number))
        return random.bytes(pages * 4096)
    }

    private func expect(_ disk: BlockDisk, _ numbers: Range<Int>, pages: Int = 2) throws {
        for number in numbers {
            let expected = data(number, pages: pages)
            #expect(try disk.load(id(number), count: UInt32(expected.count)) == expected, "block \(number)")
        }
    }

    /// Noise over the pages of blocks that `offset` lies in.
    private func overwrite(_ path: String, at offset: Int, with bytes: [UInt8]) {
        let file = Glibc.open(path, O_WRONLY)
        #expect(pwrite(file, bytes, bytes.count, offset) == bytes.count)
        close(file)
    }

    private func restarted(_ disk: consuming BlockDisk) throws -> BlockDisk {
        _ = consume disk
        return try open()
    }

    // MARK: The index

    @Test func anIndexThatRotsUnderARunningDiskIsMadeAnew() throws {
        let disk = try open()
        for number in 0..<300 { try disk.store(id(number), data(number)) }
        for number in 0..<50 { try disk.erase(id(number)) }
        try disk.prepareForClosing()
        for name in try files.contentsOfDirectory(atPath: "\(folder)/index") where name.hasSuffix(".sst") {
            overwrite("\(folder)/index/\(name)", at: 0, with: [UInt8](repeating: 0xa5, count: 2000))
        }
        for number in 50..<300 {
            do throws(BlockStoreError) {
                _ = try disk.open(id(number))
            } catch {
                #expect(error.isMediumError, "block \(number): \(error)")  // never as if there were none
            }
        }
        let damage = try #require(disk.damage)
        #expect(disk.isFailing() && !disk.isHopeless(damage))
        #expect(throws: BlockStoreError.self) { try disk.store(id(300), data(300)) }
        disk.repairSmallBlocks()
        #expect(disk.damage == nil && !disk.isFailing() && disk.isHopeless(damage))
        #expect(disk.takeNotices().contains { $0.isMediumError } && disk.takeNotices().isEmpty)
        try expect(disk, 50..<300)
        try disk.store(id(300), data(300))
        try disk.erase(id(299))
        try expect(disk, 300..<301)
        #expect(throws: BlockStoreError.blockNotFound) { _ = try disk.open(id(299)) }
    }

    /// The segments would not give back what such an index still finds.
    @Test func aDamagedIndexStaysWhenASegmentCannotBeRead() throws {
        var disk = try open()
        for number in 0..<300 { try disk.store(id(number), data(number)) }
        try disk.prepareForClosing()
        let tables = try files.contentsOfDirectory(atPath: "\(folder)/index").filter { $0.hasSuffix(".sst") }
        for name in tables {
            overwrite("\(folder)/index/\(name)", at: 0, with: [UInt8](repeating: 0xa5, count: 2000))
        }
        for number in 0..<300 where (try? disk.open(id(number))) == nil { break }
        #expect(disk.damage != nil)
        let segment = try #require(segments.first)
        // Reading a directory fails, as a bad sector does.
        let away = segment + ".away"
        try files.moveItem(atPath: segment, toPath: away)
        try files.createDirectory(atPath: segment, withIntermediateDirectories: false)
        disk.repairSmallBlocks()
        #expect(disk.damage != nil && disk.takeNotices().contains { $0.text.contains("could not be made anew") })
        #expect(try !tables.isEmpty && files.contentsOfDirectory(atPath: "\(folder)/index").contains(tables[0]))
        // Another start, another try.
        try files.removeItem(atPath: segment)
        try files.moveItem(atPath: away, toPath: segment)
        disk = try restarted(consume disk)
        _ = try? disk.open(id(0))
        disk.repairSmallBlocks()
        #expect(disk.damage == nil)
        try expect(disk, 0..<300)
    }

    @Test func anIndexFoundDamagedAtTheStartIsMadeAnew() throws {
        var disk: BlockDisk? = try open()
        for number in 0..<20 { try disk?.store(id(number), data(number)) }
        disk = nil
        for name in try files.contentsOfDirectory(atPath: "\(folder)/index") where name.hasPrefix("MANIFEST") {
            overwrite("\(folder)/index/\(name)", at: 0, with: [UInt8](repeating: 0x5a, count: 100))
        }
        disk = try open()
        #expect(disk?.damage != nil)
        disk?.repairSmallBlocks()
        #expect(disk?.damage == nil && disk?.blocks == 20)
        try expect(#require(disk), 0..<20)
        // What cannot be mended is not tried again and again.
        disk?.repairSmallBlocks()
        disk = nil
        disk = try open()
        #expect(disk?.damage == nil)
        try expect(#require(disk), 0..<20)
    }

    /// Changes entries of the index of a stopped disk.
    private func changeIndex(_ change: (inout WriteBatch) -> Void) throws {
        let store = try RocksStore(directory: "\(folder)/index", options: RocksOptions(writeAheadLog: false))
        var batch = WriteBatch()
        change(&batch)
        try store.write(batch, durable: false)
        try store.close()
    }

    private func key(_ prefix: String, _ number: UInt64) -> [UInt8] {
        Array(prefix.utf8) + withUnsafeBytes(of: number.bigEndian) { Array($0) }
    }

    @Test func impossibleEntriesAreDamageAndNoTrap() throws {
        var disk: BlockDisk? = try open()
        for number in 0..<5 { try disk?.store(id(number), data(number)) }
        disk = nil
        let ones = [UInt8](repeating: 0xff, count: 8)
        try changeIndex { $0.put(key("b", id(1).rawValue), [UInt8](repeating: 0, count: 8) + ones) }
        disk = try open()
        let error = #expect(throws: BlockStoreError.self) { _ = try disk?.open(id(1)) }
        #expect(error?.isMediumError == true && disk?.damage != nil)
        disk = nil
        for place in 0..<4 {
            try changeIndex { batch in
                var checkpoint = [UInt8](repeating: 0, count: 32)
                checkpoint.replaceSubrange(place * 8..<place * 8 + 8, with: ones)
                batch.put(Array("c".utf8), checkpoint)
                if place == 3 { batch.put(key("s", .max), ones + ones) }
            }
            disk = try open()
            #expect(disk?.damage != nil)
            disk?.repairSmallBlocks()
            #expect(disk?.damage == nil)
            try expect(#require(disk), 0..<5)
            disk = nil
        }
    }

    @Test func aSegmentThatTheIndexForgotIsNotDeleted() throws {
        var disk: BlockDisk? = try open()
        for number in 0..<5 { try disk?.store(id(number), data(number)) }
        disk = nil
        disk = try open()
        try disk?.store(id(5), data(5))
        disk = nil
        #expect(segments.count == 2)
        let name = try #require(segments.first?.split(separator: "/").last?.prefix(16))
        let number = try #require(UInt64(name, radix: 16))
        try changeIndex { $0.delete(key("s", number)) }
        disk = try open()
        #expect(disk?.notices.count == 1)
        try expect(#require(disk), 0..<6)
    }

    // MARK: Segments

    @Test func aTornRecordDoesNotTakeTheBetterOnesPlace() throws {
        let disk = try open()
        for number in [0, 1] { try disk.store(id(number), data(number)) }
        try disk.store(id(0), data(0))
        try disk.store(id(2), data(2))
        let copy = try TemporaryDisk()
        try files.removeItem(atPath: copy.path)
        try files.copyItem(atPath: temporary.path, toPath: copy.path)
        try files.removeItem(atPath: "\(copy.path)/small_blocks/index")
        let name = try #require(segments.first?.split(separator: "/").last)
        // The third record, of three times the same length.
        overwrite("\(copy.path)/small_blocks/\(name)", at: 2 * 8240 + 100, with: [1, 2, 3])
        let again = try copy.open(smallBlockBytes: 64 << 10)
        try expect(again, 0..<3)
    }

    @Test func aSegmentThatCannotBeReadDoesNotStopTheOthers() throws {
        var disk: BlockDisk?
        for first in [0, 40] {
            disk = nil
            disk = try open()
            for number in first..<first + 40 { try disk?.store(id(number), data(number, pages: 16)) }
        }
        disk = nil
        disk = try open()
        let names = segments
        #expect(names.count == 2)
        try files.removeItem(atPath: names[0])
        // The one that is gone has the most garbage.
        for number in 0..<35 { try disk?.erase(id(number)) }
        for number in 40..<70 { try disk?.erase(id(number)) }
        while disk?.tidyUp() == true {}
        #expect(disk?.segmentsSetAside == 1)
        #expect(disk?.takeNotices().filter(\.isMediumError).count == 1)
        #expect(!segments.contains(names[1]))
        try expect(#require(disk), 70..<80, pages: 16)
    }
}
