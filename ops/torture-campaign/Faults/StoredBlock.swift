import BlockStore
import Foundation
import Protocol

/// The bytes of a block on a disk, to be damaged under a running block service: pages of 4096 bytes, each followed by
/// its checksum. Never makes anything that is not there. What is
/// done is durable: no power cut may undo what is on record.
protocol StoredBlock {
    /// All pages; nil when they are not there.
    func bytes() -> [UInt8]?
    /// Writes over what is there.
    func overwrite(_ bytes: [UInt8], at offset: Int) throws
    /// Takes away what is behind so many bytes.
    func cut(to size: Int) throws
    func remove() throws
}

enum StoredPage {
    static let bytes = 4100
}

/// A block with a file of its own.
struct BlockFile: StoredBlock {
    let path: String

    init(disk: String, _ block: BlockID) {
        let place = BlockPath(block)
        path = "\(disk)/with_crc/\(place.directory)/\(place.name)"
    }

    /// Its length; nil when it is not there.
    var size: Int? {
        var status = stat()
        return stat(path, &status) == 0 ? Int(status.st_size) : nil
    }

    func bytes() -> [UInt8]? {
        guard let size, size > 0 else { return nil }
        return readBytes(of: path, at: 0, count: size)
    }

    func overwrite(_ bytes: [UInt8], at offset: Int) throws { try writeBytes(bytes, to: path, at: offset) }

    func cut(to size: Int) throws {
        let file = try PosixFile(opening: path, O_WRONLY)
        try file.resize(to: size)
        try file.sync()
        try file.close()
    }

    func remove() throws {
        guard unlink(path) == 0 else { throw PosixError.last("unlink \(path)") }
        try PosixFile.syncDirectory(above: path)
    }
}

/// A block that lies in segments which it shares with others, perhaps in several copies of which the last one counts.
struct SmallBlock: StoredBlock {
    let disk: String
    /// Not empty, in the order in which they were written.
    let places: [SmallBlockPlace]

    func bytes() -> [UInt8]? {
        places.last.flatMap { readBytes(of: path($0), at: $0.pagesOffset, count: $0.storedSize) }
    }

    func overwrite(_ bytes: [UInt8], at offset: Int) throws {
        for place in places { try writeBytes(bytes, to: path(place), at: place.pagesOffset + offset) }
    }

    /// A segment cannot be cut; what is cut off becomes zeros.
    func cut(to size: Int) throws {
        for place in places {
            try writeBytes(zeros(place.storedSize - size), to: path(place), at: place.pagesOffset + size)
        }
    }

    /// Its header as well, so that neither the service after a crash nor tidying up can find it.
    func remove() throws {
        for place in places { try writeBytes(zeros(place.length), to: path(place), at: place.offset) }
    }

    private func path(_ place: SmallBlockPlace) -> String {
        SmallBlockSegments.path(disk: disk, segment: place.segment)
    }

    private func zeros(_ count: Int) -> [UInt8] { [UInt8](repeating: 0, count: count) }
}

/// nil when there are fewer.
private func readBytes(of path: String, at offset: Int, count: Int) -> [UInt8]? {
    guard let file = try? PosixFile(opening: path, O_RDONLY) else { return nil }
    var bytes = [UInt8](repeating: 0, count: count)
    let found = bytes.withUnsafeMutableBytes { try? file.read($0, at: offset) }
    return found == count ? bytes : nil
}

private func writeBytes(_ bytes: [UInt8], to path: String, at offset: Int) throws {
    let file = try PosixFile(opening: path, O_WRONLY)
    try bytes.withUnsafeBytes { try file.write($0, at: offset) }
    try file.sync()
    try file.close()
}
