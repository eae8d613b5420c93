import BlockStore
import Erasure
import Foundation
import Glibc
import Protocol

/// A disk in a temporary directory that goes away with this object.
final class TemporaryDisk {
    let path: String

    init() throws {
        path = FileManager.default.temporaryDirectory.appending(path: "sterna-disk-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    /// Whether the kernel can be told to forget pages of temporary files: not of those on a tmpfs.
    static let forgetsPages: Bool = {
        guard let disk = try? TemporaryDisk() else { return false }
        let file = Glibc.open(disk.path + "/probe", O_RDWR | O_CREAT, 0o600)
        defer { close(file) }
        let page = [UInt8](repeating: 1, count: 4096)
        guard pwrite(file, page, 4096, 0) == 4096, fsync(file) == 0 else { return false }
        return posix_fadvise(file, 0, 4096, POSIX_FADV_DONTNEED) == 0 && pagesInMemory(file, 0, 4096) == 0
    }()

    /// How many pages of a range of a file are in memory; -1 when that cannot be told.
    static func pagesInMemory(_ file: Int32, _ offset: Int, _ count: Int) -> Int {
        let start = offset / 4096 * 4096
        let length = offset + count - start
        guard let map = mmap(nil, length, PROT_READ, MAP_SHARED, file, start), map != MAP_FAILED else { return -1 }
        defer { munmap(map, length) }
        var pages = [UInt8](repeating: 0, count: (length + 4095) / 4096)
        guard mincore(map, length, &pages) == 0 else { return -1 }
        return pages.count { $0 & 1 == 1 }
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
