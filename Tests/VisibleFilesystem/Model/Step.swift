/// A step of a random program: what a process does, or what happens to it. A script is a list of them, written down as
/// lines of JSON.
public struct Step: Codable, Equatable, Sendable {
    /// Which of a script's processes; it decides the mount, too.
    public var process: Int
    /// As whom the process does it. A line that does not say so means root.
    public var user: User
    public var call: Call

    public init(_ process: Int, _ call: Call, as user: User = .root) {
        self.process = process
        self.user = user
        self.call = call
    }

    private enum CodingKeys: CodingKey {
        case process, user, call
    }

    public init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: CodingKeys.self)
        process = try values.decode(Int.self, forKey: .process)
        user = try values.decodeIfPresent(User.self, forKey: .user) ?? .root
        call = try values.decode(Call.self, forKey: .call)
    }

    public func encode(to encoder: any Encoder) throws {
        var values = encoder.container(keyedBy: CodingKeys.self)
        try values.encode(process, forKey: .process)
        if user != .root { try values.encode(user, forKey: .user) }
        try values.encode(call, forKey: .call)
    }
}

/// What a process can do. Slots are its descriptors and mappings, by numbers of its own. What is written is made of a
/// tag (`Pattern`). Names are relative to the script's directory. Offsets, counts and sizes are bytes.
public enum Call: Codable, Equatable, Sendable {
    /// What is made gets 0644 unless there is a mode; the umask is taken from either.
    case open(slot: Int, name: String, access: Access, flags: [OpenFlag], mode: Int? = nil)
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
    case mkdir(name: String, mode: Int)
    case rmdir(name: String)
    case symlink(name: String)
    /// Of the process, 022 in the beginning.
    case umask(Int)
    case chmod(Target, mode: Int)
    /// What is nil stays.
    case chown(Target, owner: Int? = nil, group: Int? = nil)
    case setTimes(Target, accessed: TimeChoice, modified: TimeChoice)
    case setExtended(Target, name: String, tag: Int, count: Int, use: AttributeUse)
    case removeExtended(Target, name: String)
    /// All extended attributes, with their values; lists of access are among them.
    case extended(Target)
    /// nil: none any more.
    case setList(Target, AccessList.Kind, AccessList? = nil)
    /// faccessat(2) with AT_EACCESS and the three bits of a mode.
    case access(name: String, rights: Int)
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

/// What attributes are changed of: a name, or what a descriptor leads to. Symbolic links are not followed.
public enum Target: Codable, Equatable, Sendable {
    case name(String)
    case slot(Int)

    public init(from decoder: any Decoder) throws {
        let value = try decoder.singleValueContainer()
        if let slot = try? value.decode(Int.self) {
            self = .slot(slot)
        } else {
            self = .name(try value.decode(String.self))
        }
    }

    public func encode(to encoder: any Encoder) throws {
        var value = encoder.singleValueContainer()
        switch self {
        case .name(let name): try value.encode(name)
        case .slot(let slot): try value.encode(slot)
        }
    }
}

extension Call {
    /// Its name alone.
    public var kind: String { String("\(self)".prefix { $0 != "(" }) }
}

public enum Access: String, Codable, Sendable, CaseIterable {
    case reads, writes, both

    var canRead: Bool { self != .writes }
    var canWrite: Bool { self != .reads }

    /// What a file has to grant for it.
    var rights: Rights {
        switch self {
        case .reads: .read
        case .writes: .write
        case .both: [.read, .write]
        }
    }
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

/// How setxattr(2) is used.
public enum AttributeUse: String, Codable, Sendable, CaseIterable {
    case set, create, replace
}
