import BlockStore
import Erasure
import Foundation
import Protocol
import TestSupport
import Testing

@Suite(.timeLimit(.minutes(2))) struct BlockDiskTests {
    private let temporary: TemporaryDisk
    private let block = BlockID(rawValue: 0x1234_5678_9abc_de07)

    init() throws { temporary = try TemporaryDisk() }

    // MARK: Key

    @Test func keyIsMadeOnceAndKept() throws {
        var disk: BlockDisk? = try temporary.open()
        let (key, id) = (try #require(disk?.secretKey), try #require(disk?.id))
        #expect(id == BlockServiceID(secretKey: key) && id.rawValue >> 63 == 0)
        disk = nil
        let file = try Data(contentsOf: URL(filePath: "\(temporary.path)/secret.key"))
        #expect(file.count == 20)
        let mode = try FileManager.default.attributesOfItem(atPath: "\(temporary.path)/secret.key")[.posixPermissions]
        #expect(mode as? Int == 0o600)
        #expect(try temporary.open().secretKey == key)
    }

    @Test func damagedKeyIsNeverReplaced() throws {
        _ = try temporary.open()
        let path = "\(temporary.path)/secret.key"
        let good = try Data(contentsOf: URL(filePath: path))
        var flipped = good
        flipped[3] ^= 1
        for bad in [flipped, good.prefix(19), good + [0], Data()] {
            try bad.write(to: URL(filePath: path))
            #expect(throws: BlockStoreError.corruptKey(path: path)) { try temporary.open() }
            #expect(try Data(contentsOf: URL(filePath: path)) == bad)
        }
    }

    @Test func oneDiskOneOwner() throws {
        let first = try temporary.open()
        #expect(throws: BlockStoreError.inUse(path: "\(temporary.path)/secret.key")) { try temporary.open() }
        #expect(first.blocks == 0)
    }

    // MARK: Writing and reading

    @Test func pageSumsAreReadInPieces() throws {
        let disk = try temporary.open()
        var random = SeededGenerator(seed: 2)
        let data = random.bytes(200 * 4096)
        try disk.store(block, data)
        let expected = (0..<200).flatMap { page -> [UInt8] in
            let crc = CRC32C(of: Array(data[page * 4096..<(page + 1) * 4096])).rawValue
            return (0..<4).map { UInt8(truncatingIfNeeded: crc >> (8 * $0)) }
        }
        let chunk = PageChunk()
        for limit in [1, 4100, 70 * 4100, 1 << 30] {
            var reading = try PageSumsReading(disk.open(block), size: UInt32(data.count))
            var pieces = 0
            while !reading.isComplete {
                let before = reading.sums.count
                try reading.read(atMost: limit, using: chunk)
                // A piece ends with a whole chunk.
                #expect(reading.sums.count - before <= (limit / 4100 + 64) * 4)
                pieces += 1
            }
            #expect(reading.sums == expected)
            #expect(pieces == (limit < 64 * 4100 ? 4 : limit < 1 << 30 ? 2 : 1))
        }
        #expect(throws: BlockStoreError.badChecksum) { try PageSumsReading(disk.open(block), size: 4096) }
    }

    @Test func layoutOnDiskIsTheSpecified() throws {
        let disk = try temporary.open()
        var random = SeededGenerator(seed: 1)
        let data = random.bytes(3 * 4096)
        try disk.store(block, data)
        let stored = try Data(contentsOf: URL(filePath: temporary.file(of: block)))
        #expect(stored.count == 3 * 4100)
        for page in 0..<3 {
            let bytes = Array(data[page * 4096..<(page + 1) * 4096])
            #expect(Array(stored[page * 4100..<page * 4100 + 4096]) == bytes)
            let crc = CRC32C(of: bytes).rawValue
            let tail = (0..<4).map { UInt8(truncatingIfNeeded: crc >> (8 * $0)) }
            #expect(Array(stored[page * 4100 + 4096..<(page + 1) * 4100]) == tail)
        }
    }

    @Test func paths() throws {
        struct Line: Decodable { let op: String, blockId: String?, path: String? }
        var seen = 0
        for text in try ConformanceVectors.texts("ids.jsonl") {
            guard let line = try? JSONDecoder().decode(Line.self, from: text), line.op == "blockPath" else { continue }
            let path = BlockPath(BlockID(rawValue: try #require(line.blockId.flatMap(UInt64.init))))
            #expect("with_crc/\(path.directory)/\(path.name)" == line.path)
            seen += 1
        }
        #expect(seen > 0)
    }

    @Test func randomBlocksInRandomPieces() throws {
        let disk = try temporary.open()
        var random = SeededGenerator(seed: 2)
        for pages in [0, 1, 2, 63, 64, 65, 128, 200] {
            let data = random.bytes(pages * 4096)
            let pieces = (0..<50).map { _ in Int.random(in: 1...20_000, using: &random) }
            let block = BlockID(rawValue: UInt64(pages) << 8)
            try disk.store(block, data, pieces: pieces)
            #expect(try disk.load(block, count: UInt32(data.count)) == data)
            try disk.check(block, size: UInt32(data.count), expecting: CRC32C(of: data))
            for _ in 0..<10 where pages > 0 {
                let first = Int.random(in: 0..<pages, using: &random)
                let count = Int.random(in: 0...(pages - first), using: &random)
                let part = try disk.load(block, offset: UInt32(first * 4096), count: UInt32(count * 4096))
                #expect(part == Array(data[first * 4096..<(first + count) * 4096]))
            }
        }
        #expect(disk.blocks == 8)
    }

    @Test func streamingFromADescriptor() throws {
        let disk = try temporary.open()
        var random = SeededGenerator(seed: 3)
        let data = random.bytes(100 * 4096)
        let writer = try disk.write(block, size: data.count)
        let (chunk, pipe) = (PageChunk(), Pipe())
        let source = pipe.fileHandleForReading.fileDescriptor
        _ = fcntl(source, F_SETFL, O_NONBLOCK)
        var sent = 0
        while sent < data.count {
            let end = min(sent + Int.random(in: 1...30_000, using: &random), data.count)
            pipe.fileHandleForWriting.write(Data(data[sent..<end]))
            sent = end
            let progress = try writer.receive(from: source, using: chunk)
            #expect(progress == (sent == data.count ? .complete : .wouldBlock))
            #expect(writer.received == sent)
        }
        try writer.finish(expecting: CRC32C(of: data))
        #expect(try disk.load(block, count: UInt32(data.count)) == data)
    }

    @Test func nothingBeyondTheBlockIsTaken() throws {
        let disk = try temporary.open()
        let writer = try disk.write(block, size: 4096)
        let (chunk, pipe) = (PageChunk(), Pipe())
        let next: [UInt8] = [1, 2, 3]
        pipe.fileHandleForWriting.write(Data([UInt8](repeating: 9, count: 4096) + next))
        try pipe.fileHandleForWriting.close()
        #expect(try writer.receive(from: pipe.fileHandleForReading.fileDescriptor, using: chunk) == .complete)
        #expect(Array(try #require(try pipe.fileHandleForReading.read(upToCount: 10))) == next)
    }

    @Test func anEndedSourceLeavesNothing() throws {
        let disk = try temporary.open()
        do {
            let writer = try disk.write(block, size: 8192)
            let pipe = Pipe()
            pipe.fileHandleForWriting.write(Data(repeating: 7, count: 5000))
            try pipe.fileHandleForWriting.close()
            let source = pipe.fileHandleForReading.fileDescriptor
            #expect(throws: BlockStoreError.sourceFailed(code: 0)) {
                _ = try writer.receive(from: source, using: PageChunk())
            }
        }
        #expect(temporary.files.isEmpty && disk.blocks == 0)
    }

    @Test func aWrongChecksumLeavesNothing() throws {
        let disk = try temporary.open()
        let data = [UInt8](repeating: 5, count: 8192)
        #expect(throws: BlockStoreError.badChecksum) { try disk.store(block, data, claiming: CRC32C(rawValue: 1)) }
        #expect(temporary.files.isEmpty && disk.blocks == 0)
        #expect(throws: BlockStoreError.blockNotFound) { try disk.open(block) }
    }

    @Test func writingAgainIsHarmless() throws {
        let disk = try temporary.open()
        let data = [UInt8](repeating: 5, count: 8192)
        try disk.store(block, data)
        try disk.store(block, data)
        #expect(disk.blocks == 1 && temporary.files.count == 1)
        #expect(try disk.load(block, count: 8192) == data)
    }

    @Test func rangesAreBounded() throws {
        let disk = try temporary.open()
        try disk.store(block, [UInt8](repeating: 1, count: 3 * 4096))
        let file = try disk.open(block)
        for (offset, count) in [(1, 4096), (0, 1), (0, 4 * 4096), (8192, 8192), (UInt32.max - 4095, 8192), (16384, 0)] {
            #expect(throws: BlockStoreError.outOfBounds) {
                _ = try file.storedRange(offset: UInt32(offset), count: UInt32(count))
            }
        }
        #expect(try file.storedRange(offset: 12288, count: 0).count == 0)
    }

    @Test func readingSurvivesErasing() throws {
        let disk = try temporary.open()
        let data = [UInt8](repeating: 3, count: 4096)
        try disk.store(block, data)
        let file = try disk.open(block)
        try disk.erase(block)
        var range = try file.storedRange(offset: 0, count: 4096)
        let chunk = PageChunk()
        #expect(Array(chunk.data(try file.readData(&range, into: chunk))) == data)
    }

    // MARK: Erasing, counting

    @Test func erasingIsIdempotentAndCounted() throws {
        let disk = try temporary.open()
        try disk.erase(block)
        try disk.store(block, [UInt8](repeating: 1, count: 4096))
        #expect(disk.blocks == 1)
        try disk.erase(block)
        try disk.erase(block)
        #expect(disk.blocks == 0 && temporary.files.isEmpty)
    }

    @Test func openingCountsBlocksAndRemovesLeftovers() throws {
        var disk: BlockDisk? = try temporary.open()
        for number in 0..<20 {
            try disk?.store(BlockID(rawValue: UInt64(number) << 8), [UInt8](repeating: 1, count: 4096))
        }
        disk = nil
        let folder = "\(temporary.path)/with_crc/\(BlockPath(BlockID(rawValue: 0)).directory)"
        for path in ["\(folder)/tmp.1234", "\(temporary.path)/with_crc/tmp.test-write"] {
            try Data([1, 2, 3]).write(to: URL(filePath: path))
        }
        try Data().write(to: URL(filePath: "\(folder)/NOTES"))
        disk = try temporary.open()
        #expect(disk?.blocks == 20)
        #expect(temporary.files.count == 21)  // the stranger stays
    }

    @Test func concurrentWritersAndErasers() async throws {
        let disk = try temporary.open()
        try await withThrowingTaskGroup(of: Void.self) { group in
            for writer in 0..<8 {
                group.addTask {
                    for number in 0..<10 {
                        let id = BlockID(rawValue: UInt64(writer * 100 + number) << 8)
                        let data = [UInt8](repeating: UInt8(truncatingIfNeeded: writer + number), count: 8192)
                        try disk.store(id, data)
                        try disk.check(id, size: 8192, expecting: CRC32C(of: data))
                        if number % 2 == 0 { try disk.erase(id) }
                    }
                }
            }
            try await group.waitForAll()
        }
        #expect(disk.blocks == 40 && temporary.files.count == 40)
    }

    // MARK: Damage

    @Test func everyDamageIsFoundByCheck() throws {
        let disk = try temporary.open()
        var random = SeededGenerator(seed: 4)
        let data = random.bytes(70 * 4096)
        let crc = CRC32C(of: data)
        try disk.store(block, data)
        let url = URL(filePath: temporary.file(of: block))
        let good = try Data(contentsOf: url)
        func expectBad(_ contents: Data) throws {
            try contents.write(to: url)
            #expect(throws: BlockStoreError.badChecksum) {
                try disk.check(block, size: UInt32(data.count), expecting: crc)
            }
        }
        for _ in 0..<20 {
            var bad = good
            bad[Int.random(in: 0..<bad.count, using: &random)] ^= 1 << UInt8.random(in: 0...7, using: &random)
            try expectBad(bad)
        }
        try expectBad(good.prefix(good.count - 1))
        try expectBad(good.prefix(4100))
        try expectBad(good + Data(repeating: 0, count: 4100))
        try expectBad(Data())
        try good.write(to: url)
        try disk.check(block, size: UInt32(data.count), expecting: crc)
        #expect(throws: BlockStoreError.badChecksum) {
            try disk.check(block, size: 4096, expecting: crc)
        }
        #expect(throws: BlockStoreError.badChecksum) {
            try disk.check(block, size: UInt32(data.count), expecting: CRC32C(rawValue: 5))
        }
        #expect(throws: BlockStoreError.blockNotFound) {
            try disk.check(BlockID(rawValue: 1), size: 0, expecting: .zero)
        }
    }

    @Test func aFileCutWhileOpenIsAMediumError() throws {
        let disk = try temporary.open()
        try disk.store(block, [UInt8](repeating: 1, count: 8192))
        let file = try disk.open(block)
        var range = try file.storedRange(offset: 0, count: 8192)
        truncate(temporary.file(of: block), 4100)
        let error = #expect(throws: BlockStoreError.self) { _ = try file.readData(&range, into: PageChunk()) }
        #expect(error?.isMediumError == true)
    }

    @Test func classes() {
        #expect(BlockStoreError.system(operation: "read", code: EIO).isMediumError)
        #expect(BlockStoreError.system(operation: "open", code: ENODATA).isMediumError)
        #expect(!BlockStoreError.system(operation: "write", code: ENOSPC).isMediumError)
        #expect(BlockStoreError.system(operation: "write", code: ENOSPC).isOutOfSpace)
        #expect(!BlockStoreError.sourceFailed(code: EIO).isMediumError)
    }

    @Test func capacityAndHealth() throws {
        let disk = try temporary.open()
        let capacity = try disk.capacity()
        #expect(capacity.total > 0 && capacity.available <= capacity.total)
        #expect(!disk.isFailing())
        try FileManager.default.removeItem(atPath: "\(temporary.path)/secret.key")
        #expect(disk.isFailing())
    }
}
