/// A step of a random program: what a process does, or what happens to it. A script is a list of them, written down as
/// lines of JSON.
public struct Step: Codable, Equatable, Sendable {
    /// Which of a script's processes; it decides the mount, too.
    public var process: Int
    public var call: Call

    public init(_ process: Int, _ call: Call) {
        self.process = process
        self.call = call
    }
}

/// What a process can do. Slots are its descriptors and mappings, by numbers of its own. What is written is made of a
/// tag (`Pattern`). Names are relative to the script's directory. Offsets, counts and sizes are bytes.
public enum Call: Codable, Equatable, Sendable {
    case open(slot: Int, name: String, access: Access, flags: [OpenFlag])
    case dup(slot: Int, to: Int)
    case close(slot: Int)
    case read(slot: Int, count: Int)
    case pread(slot: Int, count: Int, offset: Int)
    case write(slot: Int, tag: Int, count: Int)
    case pwrite(slot: Int, tag: Int, count: Int, offset: Int)
    case seek(slot: Int, from: Whence, offset: Int)
    /// SEEK_DATA or SEEK_HOLE; the descriptor's position is put back.
    case find(slot: Int, Sought, offset: Int)
    case ftruncate(slot: Int, size: Int)
    case truncate(name: String, size: Int)
    case fallocate(slot: Int, mode: Allocation, offset: Int, count: Int)
    case fsync(slot: Int)
    case fstat(slot: Int)
    case stat(name: String)
    /// Opens, reads and closes the whole file.
    case readAll(name: String)
    /// Every name there is.
    case list
    case rename(from: String, to: String, replaces: Bool)
    case unlink(name: String)
    /// mmap(2) with MAP_SHARED.
    case map(slot: Int, descriptor: Int, offset: Int, count: Int, writes: Bool)
    case store(mapping: Int, tag: Int, offset: Int, count: Int)
    case load(mapping: Int, offset: Int, count: Int)
    case msync(mapping: Int)
    case unmap(mapping: Int)
    /// SIGKILL.
    case kill
    /// The process's mount is killed, with all its processes, and mounted again.
    case crash
    /// From now on the mount of this process is used, after the second for which names may be out of date.
    case handOver
}

extension Call {
    /// Its name alone.
    public var kind: String { String("\(self)".prefix { $0 != "(" }) }
}

public enum Access: String, Codable, Sendable, CaseIterable {
    case reads, writes, both

    var canRead: Bool { self != .writes }
    var canWrite: Bool { self != .reads }
}

public enum OpenFlag: String, Codable, Sendable, CaseIterable {
    case create, exclusive, truncate, append
}

public enum Whence: String, Codable, Sendable, CaseIterable {
    case start, current, end
}

public enum Sought: String, Codable, Sendable, CaseIterable {
    case data, hole
}

/// Modes of fallocate(2).
public enum Allocation: String, Codable, Sendable, CaseIterable {
    case plain, keepSize, punchHole, zeroRange, zeroKeepSize
}
