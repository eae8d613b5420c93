import BlockStore
import Erasure
import Foundation
import Glibc
import Protocol
import TestSupport
import Testing

/// What crashes and bad media do to segments and their index: never wrong bytes, never a trap.
@Suite(.timeLimit(.minutes(3))) struct SmallBlockDamageTests: SmallBlockSuite {
    let temporary: TemporaryDisk
    private let files = FileManager.default

    init() throws { temporary = try TemporaryDisk() }

    private func data(_ number: Int) -> [UInt8] {
        var random = SeededGenerator(seed: UInt64(number))
        return random.bytes((number % 5 + 1) * 4096)
    }

    /// A disk with blocks as a crash leaves it: its index holds nothing of them.
    private func crashed(blocks: Int) throws {
        let disk = try open()
        for number in 0..<blocks { try disk.store(id(number), data(number)) }
        let copy = temporary.path + ".copy"
        try files.copyItem(atPath: temporary.path, toPath: copy)
        withExtendedLifetime(disk) {}
        try files.removeItem(atPath: temporary.path)
        try files.moveItem(atPath: copy, toPath: temporary.path)
    }

    /// Every block is there as it was written, or is found bad or missing; returns how many are as they were.
    private func intact(_ disk: BlockDisk, blocks: Int) throws -> Int {
        var count = 0
        for number in 0..<blocks {
            let data = data(number)
            do throws(BlockStoreError) {
                try disk.check(id(number), size: UInt32(data.count), expecting: CRC32C(of: data))
            } catch {
                #expect(error == .badChecksum || error == .blockNotFound || error.isMediumError)
                continue
            }
            #expect(try disk.load(id(number), count: UInt32(data.count)) == data)
            count += 1
        }
        return count
    }

    @Test func aCrashLosesNothingThatWasAcknowledged() throws {
        try crashed(blocks: 50)
        var disk: BlockDisk? = try open()
        #expect(try intact(#require(disk), blocks: 50) == 50 && disk?.blocks == 50)
        try disk?.erase(id(7))
        try disk?.store(id(50), data(50))
        disk = try { disk = nil; return try open() }()
        #expect(try intact(#require(disk), blocks: 51) == 50 && disk?.blocks == 50)
    }

    @Test func anInterruptedBatchIsCleanedAway() throws {
        try crashed(blocks: 10)
        let segment = try #require(segments.last)
        // The last record is block 9's, of five pages; zeros lie after it.
        let stored = try Data(contentsOf: URL(filePath: segment))
        let end = try #require(stored.lastIndex { $0 != 0 }) + 1
        var torn = stored
        torn.replaceSubrange(end - 9000..<end, with: Data(count: 9000))
        try torn.write(to: URL(filePath: segment))
        let disk = try open()
        #expect(try intact(disk, blocks: 10) == 9 && disk.blocks == 9)
        #expect(throws: BlockStoreError.blockNotFound) { _ = try disk.open(id(9)) }
        #expect(disk.notices.count == 1)
        try disk.store(id(9), data(9))
        #expect(try intact(disk, blocks: 10) == 10)
    }

    @Test func everyCutOfTheLogIsSurvived() throws {
        try crashed(blocks: 8)
        let segment = URL(filePath: try #require(segments.last))
        let stored = try Data(contentsOf: segment)
        let index = "\(folder)/index"
        var random = SeededGenerator(seed: 5)
        var counts: Set<Int> = []
        for _ in 0..<25 {
            try? files.removeItem(atPath: index)  // all of it is read again
            try stored.prefix(Int.random(in: 0...110_000, using: &random)).write(to: segment)
            let disk = try open()
            let count = try intact(disk, blocks: 8)
            #expect(disk.blocks == count)
            counts.insert(count)
            withExtendedLifetime(disk) {}
            try? files.removeItem(atPath: segment.path)
        }
        #expect(counts.count > 3)
    }

    @Test func flippedBitsAreFound() throws {
        try crashed(blocks: 12)
        let segment = URL(filePath: try #require(segments.last))
        let stored = try Data(contentsOf: segment)
        let used = try #require(stored.lastIndex { $0 != 0 }) + 1
        var random = SeededGenerator(seed: 6)
        for round in 0..<30 {
            try? files.removeItem(atPath: "\(folder)/index")
            var bad = stored
            let flips = round % 3 + 1
            for _ in 0..<flips {
                bad[Int.random(in: 0..<used, using: &random)] ^= 1 << UInt8.random(in: 0...7, using: &random)
            }
            try bad.write(to: segment)
            let disk = try open()
            #expect(try intact(disk, blocks: 12) >= 12 - flips)
        }
    }

    @Test func bitsFlippedUnderARunningDiskAreFoundByCheck() throws {
        let disk = try open()
        for number in 0..<12 { try disk.store(id(number), data(number)) }
        let segment = try #require(segments.last)
        let handle = try FileHandle(forUpdating: URL(filePath: segment))
        try handle.seek(toOffset: 5000)  // in block 1
        try handle.write(contentsOf: Data([0xff, 0x5a, 0x17]))
        try handle.close()
        #expect(try intact(disk, blocks: 12) == 11)
        try disk.store(id(1), data(1))
        #expect(try intact(disk, blocks: 12) == 12)
        truncate(segment, 20_000)
        #expect(try intact(disk, blocks: 12) < 6)
    }

    @Test func aDamagedIndexFailsTheDiskButNotItsFiles() throws {
        var disk: BlockDisk? = try open()
        for number in 0..<20 { try disk?.store(id(number), data(number)) }
        let large = [UInt8](repeating: 3, count: 128 * 1024)
        try disk?.store(id(100), large)
        disk = nil
        let index = "\(folder)/index"
        for name in try files.contentsOfDirectory(atPath: index) where name.hasPrefix("MANIFEST") {
            try Data(repeating: 0x5a, count: 100).write(to: URL(filePath: "\(index)/\(name)"))
        }
        disk = try open()
        let damage = try #require(disk?.damage)
        #expect(damage.isMediumError && "\(damage)".contains(index) && disk?.isFailing() == true)
        #expect(try disk?.load(id(100), count: 131072) == large)
        #expect(throws: damage) { _ = try disk?.open(id(1)) }
        #expect(throws: damage) { _ = try disk?.write(id(1), size: 4096) }
        #expect(throws: damage) { _ = try disk?.write(id(1), size: 1 << 20) }
        #expect(throws: damage) { try disk?.erase(id(1)) }
        try disk?.erase(id(100))
        disk = nil
        // What the error says to do.
        try files.removeItem(atPath: index)
        disk = try open()
        #expect(try intact(#require(disk), blocks: 20) == 20 && disk?.damage == nil && disk?.notices.count == 1)
    }

    @Test func noiseInTheIndexNeverTraps() throws {
        try crashed(blocks: 20)
        let index = "\(folder)/index"
        _ = try open()  // fills the index
        let good = "\(temporary.path).good"
        try files.copyItem(atPath: index, toPath: good)
        defer { try? files.removeItem(atPath: good) }
        var random = SeededGenerator(seed: 8)
        for _ in 0..<20 {
            try files.removeItem(atPath: index)
            try files.copyItem(atPath: good, toPath: index)
            let names = try files.contentsOfDirectory(atPath: index).filter { $0 != "LOCK" && $0 != "LOG" }.sorted()
            let url = URL(filePath: "\(index)/\(try #require(names.randomElement(using: &random)))")
            var contents = try Data(contentsOf: url)
            if contents.isEmpty || Bool.random(using: &random) {
                contents = contents.prefix(contents.count / 2)
            } else {
                contents[Int.random(in: 0..<contents.count, using: &random)] ^= 0x10
            }
            try contents.write(to: url)
            let disk = try open()
            _ = try intact(disk, blocks: 20)
        }
    }

    @Test func aSegmentThatIsMissingIsReported() throws {
        var disk: BlockDisk? = try open()
        for number in 0..<5 { try disk?.store(id(number), data(number)) }
        disk = nil
        try files.removeItem(atPath: try #require(segments.first))
        disk = try open()
        #expect(disk?.notices.count == 1)
        #expect(try intact(#require(disk), blocks: 5) == 0)
        try disk?.store(id(2), data(2))
        #expect(try intact(#require(disk), blocks: 5) == 1)
    }

    @Test func lookingAtAStoppedDiskChangesNothing() throws {
        try crashed(blocks: 10)
        let before = segments.map { try? Data(contentsOf: URL(filePath: $0)) }
        let disk = try #require(try OfflineDisk(at: temporary.path))
        for number in 0..<10 { #expect(try disk.size(of: id(number)) == data(number).count) }
        #expect(try disk.size(of: id(11)) == nil)
        #expect(segments.map { try? Data(contentsOf: URL(filePath: $0)) } == before)
        #expect(try open().blocks == 10)
    }
}
