import Protocol

/// The namespace of a whole cluster with all its history, as plain dictionaries: slow, small, and meant to be right at
/// a glance (metadata.md A.4, A.6, A.9, A.10, B.9–B.13, D.5).
///
/// One request happens at one moment, whole or not at all. What the model cannot know, the ids of new inodes, it is
/// told.
public struct NamespaceModel: Sendable {
    public struct Current: Equatable, Sendable {
        public var target: InodeID
        public var isLocked = false
        public var since: Moment
    }

    public struct Past: Equatable, Sendable {
        public var since: Moment
        /// NULL: the name stopped existing.
        public var target: InodeID
        public var isOwned: Bool
    }

    public struct Directory: Equatable, Sendable {
        /// NULL for the root and for snapshot directories.
        public var owner: InodeID
        public var info: [DirectoryInfoTag: [UInt8]] = [:]
        public var current: [[UInt8]: Current] = [:]
        /// Oldest first.
        public var history: [[UInt8]: [Past]] = [:]
        /// Grows whenever `current` changes.
        public var version = 0

        public var isEmpty: Bool { current.isEmpty && history.allSatisfy(\.value.isEmpty) }
    }

    public enum Deadline: Equatable, Sendable {
        /// Passed for every later request.
        case atOnce
        /// Passes with the next wait.
        case whenWaited
        case passed
    }

    public enum FileTime: Equatable, Sendable {
        /// That of an edge.
        case edge(InodeID, Moment)
        case exactly(UInt64)
    }

    public enum FileState: Equatable, Sendable {
        case transient(Deadline)
        case linked(mtime: FileTime)
        /// It left its name to a newer version, and no snapshot.
        case superseded(mtime: FileTime, Deadline)
    }

    public struct File: Equatable, Sendable {
        public var state: FileState
        public var size: UInt32
        /// Of the file that it is a version of.
        public var number: InodeID
        public var kind = SpecialFileKind.none
        public var device: UInt64 = 0

        /// How much of a file is stored; what follows is zeros.
        public static let mostStored: UInt32 = 3

        public var holes: UInt32 { size - min(size, Self.mostStored) }
    }

    /// Times that somebody gave a directory; nil: what it was when he gave the other one.
    public struct DirectoryTimes: Equatable, Sendable {
        /// The version of its names for which `modified` was meant.
        public var version: Int
        public var modified: UInt64?
        public var accessed: UInt64?
    }

    public internal(set) var directories: [InodeID: Directory]
    public internal(set) var files: [InodeID: File] = [:]
    /// Of inodes that have others than the default ones.
    public internal(set) var attributes: [InodeID: Attributes] = [:]
    public internal(set) var directoryTimes: [InodeID: DirectoryTimes] = [:]
    /// How often something of an inode was changed after it had got its name, or with that its mtime.
    public internal(set) var changes: [InodeID: Int] = [:]
    /// The newest version in each shard of the files that have or had more than one.
    public internal(set) var newest: [ShardID: [InodeID: InodeID]] = [:]
    /// The moment of the last request.
    public private(set) var now: Moment = 0
    /// Every id that there ever was, so that none comes back (T5).
    var everMade: Set<InodeID> = [.root]

    public typealias Reply = NamespaceReply<Moment>

    public init(rootInfo: [DirectoryInfoTag: [UInt8]]) {
        directories = [.root: Directory(owner: .null, info: rootInfo)]
    }

    /// Carries a request out. Refused, it changes nothing but what the coordinator leaves unlocked.
    ///
    /// - Parameter newID: the id that the cluster gave what this request makes, if it makes something; the number that
    ///   it gave to what is brought back.
    public mutating func perform(_ request: NamespaceRequest, newID: InodeID?) -> Reply {
        now += 1
        do throws(ProtocolError) {
            return try reply(to: request, newID: newID)
        } catch {
            return .refused(error)
        }
    }

    private mutating func reply(to request: NamespaceRequest, newID: InodeID?) throws(ProtocolError) -> Reply {
        switch request {
        case .construct(let directory, let size): return construct(in: directory, size, newID)
        case .link(let file, let directory, let name): return .since(try link(file, directory, name))
        case .linkOver(let file, let directory, let name, let expected):
            return .since(try link(file, directory, name, over: expected))
        case .publish(let publication): return .since(try publish(publication))
        case .unlink(let edge): return .since(try unlink(edge))
        case .rename(let edge, let name, let brings): return .since(try rename(edge, to: name, brings: brings))
        case .resurrect(let edge, let name): return .since(try resurrect(edge, to: name, newID))
        case .lock(let edge): try setLock(edge, true)
        case .unlock(let edge): try setLock(edge, false)
        case .forget(let edge): try forget(edge)
        case .hardUnlink(let edge): try hardUnlink(edge)
        case .setTime(let file, let time): try setTime(file, time)
        case .setAttributes(let id, let change): return .made(try setAttributes(id, change))
        case .scrap(let file): try scrap(file)
        case .removeSpan(let file): try removeSpan(file)
        case .removeFile(let file): try removeFile(file)
        case .setInfo(let directory, let info): try setInfo(directory, info)
        case .makeDirectory(let owner, let name, let change):
            return try makeDirectory(owner, name, change, newID)
        case .removeDirectory(let edge): try removeDirectory(edge)
        case .move(let edge, let directory, let name): return .since(try move(edge, directory, name))
        case .replace(let edge, let there): return .since(try replace(edge, over: there))
        case .hardUnlinkDirectory(let directory): try hardUnlinkDirectory(directory)
        case .wait: wait()
        }
        return .done
    }

    // MARK: Parts

    /// A directory of either kind.
    func any(_ id: InodeID) throws(ProtocolError) -> Directory {
        guard let directory = directories[id] else { throw .directoryNotFound }
        return directory
    }

    /// A directory that names can be made in.
    func live(_ id: InodeID) throws(ProtocolError) -> Directory {
        let directory = try any(id)
        guard id == .root || directory.owner != .null else { throw .directoryNotFound }
        return directory
    }

    static func check(_ name: [UInt8]) throws(ProtocolError) {
        guard EntryName.isValid(name) else { throw .badName }
    }

    /// Makes `name` stand for `target`; a file that has the name goes into history, which owns it from then on.
    func create(
        _ name: [UInt8], _ target: InodeID, leavingSnapshot: Bool = true, keepsNames: Bool = false,
        in directory: inout Directory
    ) throws(ProtocolError) {
        if let edge = directory.current[name] {
            if edge.isLocked { throw .nameIsLocked }
            if target.isDirectory || edge.target.isDirectory { throw .cannotOverrideName }
            if leavingSnapshot {
                directory.history[name, default: []].append(Past(since: edge.since, target: edge.target, isOwned: true))
            }
        }
        directory.current[name] = Current(target: target, since: now)
        if !keepsNames { directory.version += 1 }
    }

    /// Ends a name: what it was becomes history, followed by a marker.
    func end(_ name: [UInt8], in directory: inout Directory, isOwned: Bool) {
        guard let edge = directory.current.removeValue(forKey: name) else { return }
        directory.history[name, default: []] += [
            Past(since: edge.since, target: edge.target, isOwned: isOwned),
            Past(since: now, target: .null, isOwned: false),
        ]
        directory.version += 1
    }
}
