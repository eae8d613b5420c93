import Glibc

/// A folder in memory where there is one, removed with everything in it when the value goes away.
final class ScratchFolder {
    let path: String

    init() throws {
        let parent = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp"
        var template = [CChar]("\(parent)/sterna-fuzz-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw Finding("cannot make a folder in \(parent): error \(errno)") }
        path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    deinit {
        for name in names { unlink(path + "/" + name) }
        rmdir(path)
    }

    private var names: [String] {
        guard let directory = opendir(path) else { return [] }
        defer { closedir(directory) }
        var names: [String] = []
        while let entry = readdir(directory) {
            names.append(
                withUnsafeBytes(of: entry.pointee.d_name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) })
        }
        return names.filter { $0 != "." && $0 != ".." }
    }

    /// The log's files: its segments and its identity.
    func contents() throws -> [String: [UInt8]] {
        var contents: [String: [UInt8]] = [:]
        for name in names where name != "LOCK" { contents[name] = try read(name) }
        return contents
    }

    /// The log's secret number, if its file is whole.
    func identity() throws -> UInt64? {
        guard names.contains("identity") else { return nil }
        let bytes = try read("identity")
        return bytes.count < 8 ? nil : Self.number(in: bytes, at: bytes.count - 8)
    }

    /// The file that holds the record with the highest number, as far as headers tell.
    func newestRecord(in files: [String: [UInt8]]) throws -> String? {
        guard let identity = try identity() else { return nil }
        var newest: (number: UInt64, name: String)?
        for (name, bytes) in files {
            for start in stride(from: 0, to: bytes.count - 16, by: 512)
            where Self.number(in: bytes, at: start) == identity {
                let number = Self.number(in: bytes, at: start + 8)
                if number > newest?.number ?? 0 { newest = (number, name) }
            }
        }
        return newest?.name
    }

    private static func number(in bytes: [UInt8], at place: Int) -> UInt64 {
        bytes[place..<place + 8].reversed().reduce(0) { $0 << 8 | UInt64($1) }
    }

    func remove(_ name: String) throws {
        guard unlink("\(path)/\(name)") == 0 else { throw Finding("cannot remove \(name): error \(errno)") }
    }

    func write(_ bytes: [UInt8], to name: String) throws {
        let descriptor = open("\(path)/\(name)", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        defer { close(descriptor) }
        guard descriptor >= 0, Glibc.write(descriptor, bytes, bytes.count) == bytes.count else {
            throw Finding("cannot write \(name): error \(errno)")
        }
    }

    private func read(_ name: String) throws -> [UInt8] {
        let descriptor = open("\(path)/\(name)", O_RDONLY | O_CLOEXEC)
        defer { close(descriptor) }
        let size = Int(lseek(descriptor, 0, SEEK_END))
        guard descriptor >= 0, size >= 0 else { throw Finding("cannot open \(name): error \(errno)") }
        var bytes = [UInt8](repeating: 0, count: size)
        guard pread(descriptor, &bytes, size, 0) == size else { throw Finding("cannot read \(name): error \(errno)") }
        return bytes
    }
}
