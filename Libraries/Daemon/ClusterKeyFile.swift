import Directories
import EventLoop
import Glibc
import Protocol

/// A cluster's key on disk: one line of 64 hexadecimal digits, for its owner's eyes only.
public struct ClusterKeyFile: Sendable {
    /// Why a file gives no key, in one sentence.
    public struct Unusable: Error, CustomStringConvertible {
        public let description: String
    }

    public let path: String

    public init(_ path: String) { self.path = path }

    public var exists: Bool { access(path, F_OK) == 0 }

    public func load() throws -> ClusterKey {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { throw SystemError.last("read the cluster's key \(path)") }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw SystemError.last("look at \(path)") }
        guard status.st_mode & S_IFMT == S_IFREG else { throw Unusable(description: "the key \(path) is no file") }
        guard status.st_mode & 0o077 == 0 else {
            throw Unusable(description: "the key \(path) may be read by others than its owner; chmod 600 it")
        }
        var bytes = [UInt8](repeating: 0, count: 128)
        let count = read(descriptor, &bytes, bytes.count)
        guard count >= 0 else { throw SystemError.last("read the cluster's key \(path)") }
        let text = String(decoding: bytes[..<count].prefix { $0 != UInt8(ascii: "\n") }, as: UTF8.self)
        guard let key = ClusterKey(hexadecimal: text) else {
            throw Unusable(description: "\(path) holds no cluster key, which is a line of 64 hexadecimal digits")
        }
        return key
    }

    /// Makes a new key, durably. An existing file is never replaced.
    public func create() throws {
        let temporary = "\(path).new-\(getpid())"
        unlink(temporary)
        let descriptor = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw SystemError.last("create \(temporary)") }
        defer {
            close(descriptor)
            unlink(temporary)
        }
        let line = Array((ClusterKey.random().hexadecimal + "\n").utf8)
        guard fchmod(descriptor, 0o600) == 0, write(descriptor, line, line.count) == line.count, fsync(descriptor) == 0
        else { throw SystemError.last("write \(temporary)") }
        guard link(temporary, path) == 0 else { throw SystemError.last("create the key \(path)") }
        try DurableDirectory.syncName(ofFile: path)
    }
}
