import Foundation

/// Compares files with what they must contain.
struct Verification: ~Copyable {
    enum Difference: Error, CustomStringConvertible {
        case size(path: String, found: Int, wanted: Int)
        case bytes(path: String, offset: Int)

        var description: String {
            switch self {
            case .size(let path, let found, let wanted): "\(path) has \(found) bytes instead of \(wanted)"
            case .bytes(let path, let offset): "\(path) differs at offset \(offset)"
            }
        }
    }

    private static let pieceBytes = 1 << 20
    private let found = UnsafeMutableRawBufferPointer.allocate(byteCount: pieceBytes, alignment: 4096)
    private let wanted = UnsafeMutableRawBufferPointer.allocate(byteCount: pieceBytes, alignment: 4096)

    deinit {
        found.deallocate()
        wanted.deallocate()
    }

    /// Reads all of the file from its beginning.
    /// - Returns: bytes read.
    /// - Throws: `Difference` when it is wrong, `PosixError` when it cannot be read.
    func whole(_ path: String, _ content: Content) throws -> Int {
        let file = try PosixFile(opening: path, O_RDONLY)
        file.forgetCachedPages()
        let size = try file.size()
        guard size == content.size else {
            throw Difference.size(path: path, found: size, wanted: content.size)
        }
        var offset = 0
        while offset < content.size { offset += try compare(file, content, at: offset, count: Self.pieceBytes) }
        let extra = try file.read(UnsafeMutableRawBufferPointer(rebasing: found[..<1]), at: content.size)
        guard extra == 0 else { throw Difference.size(path: path, found: size + 1, wanted: content.size) }
        try file.close()
        return offset
    }

    /// Reads some ranges of any length, anywhere.
    func pieces(_ path: String, _ content: Content, count: Int, using random: inout SeededRandom) throws -> Int {
        guard content.size > 0 else { return try whole(path, content) }
        let file = try PosixFile(opening: path, O_RDONLY)
        file.forgetCachedPages()
        var bytes = 0
        for _ in 0..<count {
            let offset = Int.random(in: 0..<content.size, using: &random) & ~7
            let length = Int.random(in: 1...(random.chance(0.5) ? 8192 : Self.pieceBytes), using: &random)
            bytes += try compare(file, content, at: offset, count: length)
        }
        try file.close()
        return bytes
    }

    private func compare(
        _ file: borrowing PosixFile, _ content: Content, at offset: Int, count: Int
    ) throws -> Int {
        let length = min(count, content.size - offset)
        let target = UnsafeMutableRawBufferPointer(rebasing: found[..<length])
        let model = UnsafeMutableRawBufferPointer(rebasing: wanted[..<length])
        let received = try file.read(target, at: offset)
        guard received == length else {
            throw Difference.size(path: file.path, found: offset + received, wanted: content.size)
        }
        content.fill(model, at: offset)
        guard let left = target.baseAddress, let right = model.baseAddress, memcmp(left, right, length) == 0 else {
            let first = zip(target, model).prefix { $0 == $1 }.count
            throw Difference.bytes(path: file.path, offset: offset + first)
        }
        return length
    }
}
