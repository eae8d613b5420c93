import BlockStore
import Foundation
import Protocol

/// The file of a block on a disk, to be damaged. Never makes a file that is not there.
struct BlockFile {
    static let pageBytes = 4100

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
        guard let file = try? PosixFile(opening: path, O_RDONLY), let size, size > 0 else { return nil }
        var bytes = [UInt8](repeating: 0, count: size)
        let count = bytes.withUnsafeMutableBytes { try? file.read($0, at: 0) }
        return count == size ? bytes : nil
    }

    /// Writes over what is there.
    func overwrite(_ bytes: [UInt8], at offset: Int) throws {
        let file = try PosixFile(opening: path, O_WRONLY)
        try bytes.withUnsafeBytes { try file.write($0, at: offset) }
        try file.close()
    }

    func truncate(to size: Int) throws {
        let file = try PosixFile(opening: path, O_WRONLY)
        try file.resize(to: size)
        try file.close()
    }

    func remove() throws {
        guard unlink(path) == 0 else { throw PosixError.last("unlink \(path)") }
    }
}
