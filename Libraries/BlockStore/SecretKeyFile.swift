import Erasure
import Glibc
import Protocol

/// The key of a disk in `secret.key`: 16 random bytes and their CRC32C. Made once, never changed. While this object
/// lives the file is locked, so that no two processes serve one disk.
final class SecretKeyFile: Sendable {
    let key: SecretKey
    private let file: FileDescriptor

    static let name = "secret.key"
    private static let keyLength = 16
    private static let length = 20

    /// Reads and locks the key of the disk at `path`; makes one when there is none.
    init(of directory: FileDescriptor, path: String) throws(BlockStoreError) {
        let keyPath = "\(path)/\(Self.name)"
        do {
            file = try FileDescriptor.open(Self.name, in: directory, flags: O_RDONLY)
        } catch .system(_, ENOENT) {
            try Self.create(in: directory, path: path)
            file = try FileDescriptor.open(Self.name, in: directory, flags: O_RDONLY)
        }
        guard flock(file.raw, LOCK_EX | LOCK_NB) == 0 else {
            throw errno == EWOULDBLOCK ? .inUse(path: keyPath) : .last("lock \(keyPath)")
        }
        // Also one that was there: whoever made it may not have come to that.
        try file.sync(keyPath)
        guard let key = Self.key(try file.bytes(atMost: Self.length + 1)) else { throw .corruptKey(path: keyPath) }
        self.key = key
    }

    deinit {
        // A child that was just forked, by whatever part of the process, has the file open until it executes its program.
        flock(file.raw, LOCK_UN)
    }

    /// Whether the file is still there, and can be read. Opens nothing.
    func isThere(in directory: FileDescriptor) throws(BlockStoreError) -> Bool {
        guard try directory.has(Self.name) else { return false }
        return try !file.bytes(atMost: 1).isEmpty
    }

    /// The key of a disk, without locking or making anything; nil when it cannot be read.
    static func key(in directory: FileDescriptor) -> SecretKey? {
        guard let file = try? FileDescriptor.open(name, in: directory, flags: O_RDONLY),
            let bytes = try? file.bytes(atMost: length + 1)
        else { return nil }
        return key(bytes)
    }

    /// Nil when these are not the contents of a key file.
    private static func key(_ bytes: [UInt8]) -> SecretKey? {
        guard bytes.count == length, checksum(bytes) == Array(bytes[keyLength..<length]) else { return nil }
        return bytes.withUnsafeBytes { raw in
            SecretKey(
                low: UInt64(littleEndian: raw.loadUnaligned(fromByteOffset: 0, as: UInt64.self)),
                high: UInt64(littleEndian: raw.loadUnaligned(fromByteOffset: 8, as: UInt64.self)))
        }
    }

    /// Little-endian CRC32C of the key part of `bytes`.
    private static func checksum(_ bytes: [UInt8]) -> [UInt8] {
        let sum = bytes.withUnsafeBytes { Castagnoli.sum(UnsafeRawBufferPointer(rebasing: $0[..<keyLength])) }
        return (0..<4).map { UInt8(truncatingIfNeeded: sum >> (8 * $0)) }
    }

    /// Writes a new key under a temporary name and links it, so that a key file is complete from the first moment and a
    /// second process doing the same loses.
    private static func create(in directory: FileDescriptor, path: String) throws(BlockStoreError) {
        // Swift's system generator is the kernel's getrandom.
        var bytes = (0..<keyLength).map { _ in UInt8.random(in: 0...255) }
        bytes += checksum(bytes)
        let temporary = "\(name).\(getpid()).new"
        unlinkat(directory.raw, temporary, 0)
        let file = try FileDescriptor.open(
            temporary, in: directory, flags: O_WRONLY | O_CREAT | O_EXCL, mode: 0o600)
        defer { unlinkat(directory.raw, temporary, 0) }
        try file.writeAll(bytes)
        try file.sync("\(path)/\(name)")
        if linkat(directory.raw, temporary, directory.raw, name, 0) != 0, errno != EEXIST {
            throw .last("create \(path)/\(name)")
        }
        try directory.sync(path)
    }
}
