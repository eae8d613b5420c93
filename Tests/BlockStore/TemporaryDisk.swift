import BlockStore
import Erasure
import Foundation
import Protocol

/// A disk in a temporary directory that goes away with this object.
final class TemporaryDisk {
    let path: String

    init() throws {
        path = FileManager.default.temporaryDirectory.appending(path: "sterna-disk-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    /// By default every block becomes a file.
    func open(smallBlockBytes: Int = 0) throws -> BlockDisk {
        try BlockDisk(opening: path, options: BlockDiskOptions(smallBlockBytes: smallBlockBytes))
    }

    func file(of block: BlockID) -> String {
        let place = BlockPath(block)
        return "\(path)/with_crc/\(place.directory)/\(place.name)"
    }

    /// All files below `with_crc`, without directories.
    var files: [String] {
        let all = FileManager.default.enumerator(atPath: "\(path)/with_crc")?.allObjects as? [String] ?? []
        return all.filter { $0.count > 2 }.sorted()
    }
}

/// A small deterministic generator, so that a failing case can be run again.
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return (state ^ (state >> 29)) &* 0x9E37_79B9_7F4A_7C15
    }

    mutating func bytes(_ count: Int) -> [UInt8] { (0..<count).map { _ in UInt8.random(in: 0...255, using: &self) } }
}

extension BlockDisk {
    /// Writes a block from memory, in pieces.
    func store(_ block: BlockID, _ data: [UInt8], pieces: [Int] = [], claiming crc: CRC32C? = nil) throws {
        let writer = try write(block, size: data.count)
        let chunk = PageChunk()
        var offset = 0
        for piece in pieces + [data.count] where offset < data.count {
            let end = min(offset + piece, data.count)
            offset += try data[offset..<end].withUnsafeBytes { try writer.append($0, using: chunk) }
        }
        try writer.finish(expecting: crc ?? CRC32C(of: data))
    }

    /// The data of a range as a plain fetch would send it.
    func load(_ block: BlockID, offset: UInt32 = 0, count: UInt32) throws -> [UInt8] {
        let file = try open(block)
        var range = try file.storedRange(offset: offset, count: count)
        let chunk = PageChunk()
        var result: [UInt8] = []
        while range.count > 0 { result += chunk.data(try file.readData(&range, into: chunk)) }
        return result
    }
}
