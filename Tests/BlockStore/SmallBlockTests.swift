import BlockStore
import Erasure
import Foundation
import Glibc
import Protocol
import Synchronization
import TestSupport
import Testing

/// Blocks that share segments: what a client sees must not differ from blocks in files.
@Suite(.timeLimit(.minutes(2))) struct SmallBlockTests: SmallBlockSuite {
    let temporary: TemporaryDisk

    init() throws { temporary = try TemporaryDisk() }

    private func expect(_ disk: BlockDisk, _ number: Int, _ data: [UInt8]) throws {
        #expect(try disk.load(id(number), count: UInt32(data.count)) == data)
        try disk.check(id(number), size: UInt32(data.count), expecting: CRC32C(of: data))
    }

    // MARK: Operations

    @Test func randomBlocksInRandomPieces() throws {
        var random = SeededGenerator(seed: 11)
        var disk: BlockDisk? = try open()
        var datas: [Int: [UInt8]] = [:]
        for number in 0..<60 {
            let pages = Int.random(in: 1...16, using: &random)
            let data = random.bytes(pages * 4096)
            let pieces = (0..<20).map { _ in Int.random(in: 1...20_000, using: &random) }
            try disk?.store(id(number), data, pieces: pieces)
            datas[number] = data
            let (first, count) = (Int.random(in: 0..<pages, using: &random), 1)
            let part = try disk?.load(id(number), offset: UInt32(first * 4096), count: UInt32(count * 4096))
            #expect(part == Array(data[first * 4096..<(first + count) * 4096]))
        }
        #expect(temporary.files.isEmpty && disk?.blocks == 60)
        for number in 0..<60 where number % 3 == 0 {
            try disk?.erase(id(number))
            datas[number] = nil
        }
        disk = nil
        let again = try open()
        #expect(again.blocks == 40 && again.notices == [])
        for number in 0..<60 {
            if let data = datas[number] {
                try expect(again, number, data)
            } else {
                #expect(throws: BlockStoreError.blockNotFound) { _ = try again.open(id(number)) }
            }
        }
    }

    @Test func writingAndErasingAgainIsHarmless() throws {
        let disk = try open()
        let data = [UInt8](repeating: 5, count: 8192)
        for _ in 0..<3 { try disk.store(id(1), data) }
        #expect(disk.blocks == 1)
        try expect(disk, 1, data)
        for _ in 0..<3 { try disk.erase(id(1)) }
        #expect(disk.blocks == 0)
        #expect(throws: BlockStoreError.blockNotFound) { _ = try disk.open(id(1)) }
    }

    @Test func aWrongChecksumLeavesNothing() throws {
        let disk = try open()
        let data = [UInt8](repeating: 5, count: 8192)
        #expect(throws: BlockStoreError.badChecksum) { try disk.store(id(1), data, claiming: CRC32C(rawValue: 1)) }
        #expect(throws: BlockStoreError.blockNotFound) { _ = try disk.open(id(1)) }
    }

    @Test func rangesAreBounded() throws {
        let disk = try open()
        try disk.store(id(1), [UInt8](repeating: 1, count: 3 * 4096))
        try disk.store(id(2), [UInt8](repeating: 2, count: 3 * 4096))
        let file = try disk.open(id(1))
        for (offset, count) in [(1, 4096), (0, 1), (0, 4 * 4096), (8192, 8192), (UInt32.max - 4095, 8192)] {
            #expect(throws: BlockStoreError.outOfBounds) {
                _ = try file.storedRange(offset: UInt32(offset), count: UInt32(count))
            }
        }
        #expect(throws: BlockStoreError.badChecksum) {
            try disk.check(id(1), size: 4096, expecting: CRC32C(rawValue: 5))
        }
    }

    @Test func oldFilesStayReadableWhateverTheLimit() throws {
        let data = [UInt8](repeating: 9, count: 8192)
        var disk: BlockDisk? = try temporary.open()
        try disk?.store(id(1), data)
        disk = try { disk = nil; return try open() }()
        try disk?.store(id(2), data)
        try disk?.store(id(1), data)  // a repetition, to the other place
        try expect(try #require(disk), 1, data)
        disk = try { disk = nil; return try temporary.open() }()
        for number in 1...2 { try expect(try #require(disk), number, data) }
        try disk?.erase(id(1))
        try disk?.erase(id(2))
        #expect(disk?.blocks == 0 && temporary.files.isEmpty)
        #expect(throws: BlockStoreError.blockNotFound) { _ = try disk?.open(id(1)) }
    }

    @Test func manyWritersShareSyncs() async throws {
        let disk = try open()
        try await withThrowingTaskGroup(of: Void.self) { group in
            for writer in 0..<16 {
                group.addTask {
                    for number in 0..<40 {
                        let block = BlockID(rawValue: UInt64(writer * 1000 + number) << 8)
                        let data = [UInt8](repeating: UInt8(truncatingIfNeeded: writer &* 7 &+ number), count: 4096)
                        try disk.store(block, data)
                        try disk.check(block, size: 4096, expecting: CRC32C(of: data))
                        if number % 2 == 0 { try disk.erase(block) }
                    }
                }
            }
            try await group.waitForAll()
        }
        #expect(disk.blocks == 16 * 20)
    }

    // MARK: Layout

    @Test func theLayoutIsRaisedWithTheFirstSmallBlock() throws {
        var disk: BlockDisk? = try open()
        #expect(!FileManager.default.fileExists(atPath: "\(temporary.path)/layout"))
        #expect(!FileManager.default.fileExists(atPath: "\(temporary.path)/small_blocks"))
        try disk?.store(id(1), [UInt8](repeating: 9, count: 4096))
        disk = nil
        let file = URL(filePath: "\(temporary.path)/layout")
        #expect(try String(contentsOf: file, encoding: .utf8) == "sterna disk 2\n")
        for bad in ["sterna disk 3\n", "sterna disk\n", "", "x", "sterna disk -1", "sterna disk 99999999999999999999"] {
            try Data(bad.utf8).write(to: file)
            let error = #expect(throws: BlockStoreError.self) { _ = try open() }
            guard case .unknownLayout? = error else {
                Issue.record("\(bad): \(String(describing: error))")
                continue
            }
        }
    }

    // MARK: Memory

    /// A check would only see what is in memory otherwise.
    @Test func whatIsForgottenIsReadFromTheMedium() throws {
        try #require(TemporaryDisk.forgetsPages, "temporary files are in memory alone: set TMPDIR")
        let disk = try open()
        for number in 0..<200 { try disk.store(id(number), [UInt8](repeating: UInt8(number), count: 8192)) }
        let file = try disk.open(id(100))
        let range = try file.storedRange(offset: 0, count: 8192)
        #expect(TemporaryDisk.pagesInMemory(file.descriptor, range.offset, range.count) > 0)
        file.forgetCached(range)
        #expect(TemporaryDisk.pagesInMemory(file.descriptor, range.offset, range.count) == 0)
    }

    // MARK: Space

    private var segmentBytes: Int {
        segments.reduce(0) { sum, path in
            var status = stat()
            return stat(path, &status) == 0 ? sum + status.st_size : sum
        }
    }

    @Test func spaceOfErasedBlocksComesBack() throws {
        var disk: BlockDisk? = try open()
        let data = [UInt8](repeating: 6, count: 65536)
        for number in 0..<100 { try disk?.store(id(number), data) }
        #expect(segmentBytes > 6_500_000)
        for number in 0..<90 { try disk?.erase(id(number)) }
        #expect(segmentBytes < 2_500_000)
        for number in 90..<100 { try expect(try #require(disk), number, data) }
        disk = try { disk = nil; return try open() }()
        for number in 90..<100 { try expect(try #require(disk), number, data) }
        #expect(disk?.blocks == 10)
    }

    @Test func aReaderKeepsWhatItReadsWhileSegmentsGo() throws {
        let disk = try open()
        let data = [UInt8](repeating: 6, count: 65536)
        for number in 0..<40 { try disk.store(id(number), data) }
        let file = try disk.open(id(39))
        for number in 0..<40 { try disk.erase(id(number)) }
        #expect(file.isRetired && segmentBytes < 1 << 20)
        var range = try file.storedRange(offset: 0, count: 65536)
        let chunk = PageChunk()
        #expect(Array(chunk.data(try file.readData(&range, into: chunk))) == data)
    }
}
