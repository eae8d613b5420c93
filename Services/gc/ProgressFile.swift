import EventLoop
import Glibc

/// Where each duty stands: a text file with one line `NAME NEXT-SHARD ROUNDS` per duty.
struct ProgressFile: Sendable {
    /// One duty's line.
    struct Entry: Sendable {
        /// Shards before it are done in the present round.
        var nextShard: UInt8 = 0
        /// Rounds finished since the file was made.
        var rounds: UInt64 = 0
    }

    private let path: String
    private var entries: [String: Entry] = [:]

    /// Reads `directory/progress`; a missing or strange file means that everything begins anew.
    init(directory: String) throws(SystemError) {
        guard mkdir(directory, 0o755) == 0 || errno == EEXIST else { throw .last("create \(directory)") }
        path = directory + "/progress"
        for line in try Self.read(path).split(separator: "\n") {
            let words = line.split(separator: " ")
            guard words.count == 3, let shard = UInt8(words[1]), let rounds = UInt64(words[2]) else { continue }
            entries[String(words[0])] = Entry(nextShard: shard, rounds: rounds)
        }
    }

    subscript(duty: String) -> Entry {
        get { entries[duty] ?? Entry() }
        set { entries[duty] = newValue }
    }

    /// Replaces the file. It need not survive a power failure.
    func save() throws(SystemError) {
        let text = entries.sorted { $0.key < $1.key }
            .map { "\($0.key) \($0.value.nextShard) \($0.value.rounds)\n" }.joined()
        let new = path + ".new"
        let descriptor = open(new, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { throw .last("open \(new)") }
        let bytes = Array(text.utf8)
        let isWritten = write(descriptor, bytes, bytes.count) == bytes.count
        let failure = SystemError.last("write \(new)")
        close(descriptor)
        guard isWritten else { throw failure }
        guard rename(new, path) == 0 else { throw .last("rename \(new)") }
    }

    private static func read(_ path: String) throws(SystemError) -> String {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            guard errno == ENOENT else { throw .last("open \(path)") }
            return ""
        }
        defer { close(descriptor) }
        // A few short lines; whatever is longer was not written here.
        var bytes = [UInt8](repeating: 0, count: 4096)
        let count = Glibc.read(descriptor, &bytes, bytes.count)
        guard count >= 0 else { throw .last("read \(path)") }
        return String(decoding: bytes[..<count], as: UTF8.self)
    }
}
