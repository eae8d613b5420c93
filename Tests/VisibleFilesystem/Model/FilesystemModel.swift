/// A file of the model, or a directory or symbolic link. An unpublished file has one, too.
public struct FileID: Hashable, Comparable, Sendable {
    let rawValue: Int

    public static func < (left: FileID, right: FileID) -> Bool { left.rawValue < right.rawValue }
}

/// What programs may see of a filesystem with two mounts: content, sizes, names, owners, attributes and errors.
///
/// The cluster knows published files and their names. A mount adds what is staged: changed contents, and the names of
/// new files. A step that makes no sense where it stands, or about whose outcome nothing is promised, changes nothing
/// and has no expectation: it is left out.
public struct FilesystemModel: Sendable {
    public let capabilities: Capabilities

    /// Published files that have a name, or had one when somebody opened them.
    var published: [FileID: [UInt8]] = [:]
    var clusterNames: [String: FileID] = [:]
    /// Of everything, published or not: they hold at once on every mount.
    var attributes: [FileID: Attributes] = [:]
    /// The directory of a script, and the one in it.
    var directories: [String: FileID] = [:]
    /// Who does the step.
    var user = User.root
    var mounts = [MountView(), MountView()]
    var processes: [Int: ProcessState] = [:]
    /// What descriptors refer to; those that were duplicated share one.
    var descriptions: [Int: OpenDescription] = [:]
    /// The mount that is used now: what others see of it, they see after a hand-over.
    public internal(set) var activeMount = 0
    private var lastFile = 0
    private var lastDescription = 0

    /// Larger files are left out.
    public static let largestBytes = 1 << 20
    public static let names = ["a", "b", "d/a", "d/b"]
    /// Only ever those of directories that are made, empty.
    public static let directoryNames = ["e", "d/e"]
    /// Only ever those of symbolic links.
    public static let linkNames = ["l", "d/l"]
    /// There from the beginning, root's; in the second one everybody keeps what is his.
    public static let firstModes = [".": 0o777, "d": 0o1777]
    static let fixedDirectories = firstModes.keys.sorted()

    public init(_ capabilities: Capabilities) {
        self.capabilities = capabilities
        for name in Self.fixedDirectories {
            let mode = Self.firstModes[name] ?? 0
            directories[name] = newFile(Attributes(kind: .directory, mode: mode, owner: 0, group: 0))
        }
    }

    /// The mount that a process of a script uses.
    public func mount(of process: Int) -> Int { capabilities.contains(.secondMount) && process == 2 ? 1 : 0 }

    /// Carries out a step; what must be answered. Nil: it is left out.
    public mutating func perform(_ step: Step) -> ExpectedReply? {
        let process = step.process
        guard (0...2).contains(process), step.user.isRoot || capabilities.contains(.permissions) else { return nil }
        if case .handOver = step.call { return handOver(to: mount(of: process)) }
        guard mount(of: process) == activeMount else { return nil }
        user = step.user
        do throws(Refusal) {
            return try perform(process, step.call)
        } catch {
            return .reply(.failed(errno: error.errno))
        }
    }

    private mutating func perform(_ process: Int, _ call: Call) throws(Refusal) -> ExpectedReply? {
        switch call {
        case .open(let slot, let name, let access, let flags, let mode):
            return try open(process, slot, name, access, Set(flags), mode ?? 0o644)
        case .dup(let slot, let copy): return dup(process, slot, copy)
        case .close(let slot): return close(process, slot)
        case .read(let slot, let count): return read(process, slot, count, at: nil)
        case .pread(let slot, let count, let offset): return read(process, slot, count, at: offset)
        case .write(let slot, let tag, let count): return write(process, slot, tag, count, at: nil)
        case .pwrite(let slot, let tag, let count, let offset): return write(process, slot, tag, count, at: offset)
        case .seek(let slot, let whence, let offset): return seek(process, slot, whence, offset)
        case .find(let slot, let sought, let offset): return find(process, slot, sought, offset)
        case .ftruncate(let slot, let size): return truncate(process, slot, size)
        case .truncate(let name, let size): return try truncate(process, name, size)
        case .fallocate(let slot, let mode, let offset, let count): return allocate(process, slot, mode, offset, count)
        case .fsync(let slot): return fsync(process, slot)
        case .fstat(let slot): return fstat(process, slot)
        case .stat(let name): return try stat(process, name)
        case .readAll(let name): return try readAll(process, name)
        case .list: return try list(process)
        case .rename(let from, let to, let replaces): return try rename(process, from, to, replaces)
        case .unlink(let name): return try unlink(process, name)
        case .mkdir(let name, let mode): return try make(process, name, .directory, mode)
        case .symlink(let name): return try make(process, name, .link, 0)
        case .rmdir(let name): return try rmdir(process, name)
        case .umask(let mask): return umask(process, mask)
        case .chmod, .chown, .setTimes, .setExtended, .removeExtended, .setList: return try alter(process, call)
        case .extended(let target): return try extended(process, target)
        case .access(let name, let rights): return try access(process, name, Rights(rawValue: rights))
        case .map(let slot, let descriptor, let offset, let count, let writes):
            return map(process, slot, descriptor, offset, count, writes)
        case .store(let mapping, let tag, let offset, let count): return store(process, mapping, tag, offset, count)
        case .load(let mapping, let offset, let count): return load(process, mapping, offset, count)
        case .msync(let mapping): return msync(process, mapping)
        case .unmap(let mapping): return unmap(process, mapping)
        case .kill: return kill(process)
        case .crash: return crash(process)
        case .handOver: return nil
        }
    }

    mutating func newFile(_ attributes: Attributes) -> FileID {
        lastFile += 1
        let file = FileID(rawValue: lastFile)
        self.attributes[file] = attributes
        return file
    }

    mutating func insert(_ description: OpenDescription) -> Int {
        lastDescription += 1
        descriptions[lastDescription] = description
        return lastDescription
    }
}

/// What one mount sees besides what the cluster knows.
struct MountView: Sendable {
    /// Files that somebody has open or mapped here.
    var nodes: [FileID: Node] = [:]
    /// Of new files that are not published.
    var names: [String: FileID] = [:]
}

/// A file on one mount: all its descriptors see the same.
struct Node: Sendable {
    var content: [UInt8]
    /// There are changes that are not published.
    var isStaged = false
    /// The process that made it: its last close may publish, though it cannot write.
    var maker: Int?
    /// It has no name any more: nothing will come of it.
    var isOrphan = false
    /// Some closes may have published what is staged, or an earlier state of it, or not.
    var isUncertain = false
    /// Processes that have changed it since it was published.
    var changers: Set<Int> = []
    /// They were killed. Nothing of that appears unless somebody else who has it open for writing writes as well.
    var isAbandoned = false
    /// Somebody has written who may not leave it the rights of a program: the next version has none.
    var losesProgramRights = false
    /// fsync has returned for something that is not published.
    var isStored = false
}

struct OpenDescription: Sendable {
    let file: FileID
    let mount: Int
    let access: Access
    let appends: Bool
    /// The file was made with it, and is not published yet: to close it finishes the file even if it can only read.
    var makes: Bool
    var offset = 0
    /// The other mount has changed or removed the file since. What is read then is not looked at.
    var isStale = false
    /// The other mount has given the file another name since.
    var isMoved = false
    /// The other mount has given the file to another owner or group since: through this, the kernel may take the new
    /// one for a stranger until somebody looks.
    var isGiven = false
}

struct Mapping: Sendable {
    let file: FileID
    let mount: Int
    let offset: Int
    let count: Int
    let writes: Bool
    var isStale = false
}

struct ProcessState: Sendable {
    var descriptors: [Int: Int] = [:]
    var mappings: [Int: Mapping] = [:]
    var umask = 0o022
}
