import Protocol

/// A moment of the model: only the order of two of them means anything. 0 is before everything that happens.
public typealias Moment = UInt64

/// One request as the model and a real cluster are both asked it: which things, by their ids; since when, by the
/// model's moments, which whoever asks the cluster translates.
public enum NamespaceRequest: Hashable, Sendable {
    /// What a name is expected to be, as most requests say it.
    public struct Edge: Hashable, Sendable {
        public var directory: InodeID
        public var name: [UInt8]
        public var target: InodeID
        public var since: Moment

        public init(directory: InodeID, name: [UInt8], target: InodeID, since: Moment) {
            self.directory = directory
            self.name = name
            self.target = target
            self.since = since
        }
    }

    /// What PUBLISH_FILE says besides the file's cookie.
    public struct Publication: Hashable, Sendable {
        public var file: InodeID
        public var directory: InodeID
        public var name: [UInt8]
        /// What has the name; null: nothing; nil: whatever has it.
        public var expected: InodeID?
        /// Of the file that it is to be a version of; null: of its own.
        public var number: InodeID
        public var supersedes: Bool
        /// Nil: it is PUBLISH_FILE, which says nothing of attributes.
        public var attributes: Beginning?
    }

    /// What PUBLISH_FILE_WITH_ATTRIBUTES says besides.
    public struct Beginning: Hashable, Sendable {
        public var inherits: Bool
        public var kind: SpecialFileKind
        public var device: UInt64
        public var change: InodeAttributeChange
    }

    /// CONSTRUCT_FILE in the shard of a directory and, unless `size` is 0, ADD_INLINE_SPAN, of which at most
    /// `NamespaceModel.File.mostStored` bytes are stored; the rest is zeros.
    case construct(in: InodeID, size: UInt32)
    case link(InodeID, in: InodeID, name: [UInt8])
    /// LINK_FILE_IF_UNCHANGED; null: nothing has the name
    case linkOver(InodeID, in: InodeID, name: [UInt8], expected: InodeID)
    /// PUBLISH_FILE, PUBLISH_FILE_WITH_ATTRIBUTES
    case publish(Publication)
    /// SOFT_UNLINK_FILE
    case unlink(Edge)
    /// SAME_DIRECTORY_RENAME; RENAME_WITH_ATTRIBUTES, which brings what the file has
    case rename(Edge, to: [UInt8], brings: Bool)
    /// SAME_DIRECTORY_RENAME_SNAPSHOT
    case resurrect(Edge, to: [UInt8])
    /// LOCK_CURRENT_EDGE
    case lock(Edge)
    /// UNLOCK_CURRENT_EDGE, not moved
    case unlock(Edge)
    /// REMOVE_NON_OWNED_EDGE
    case forget(Edge)
    /// SAME_SHARD_HARD_FILE_UNLINK, or CROSS_SHARD_HARD_UNLINK_FILE when it takes two shards
    case hardUnlink(Edge)
    /// SET_TIME of the mtime, in nanoseconds
    case setTime(InodeID, UInt64)
    /// SET_ATTRIBUTES
    case setAttributes(InodeID, InodeAttributeChange)
    /// SCRAP_TRANSIENT_FILE
    case scrap(InodeID)
    /// REMOVE_SPAN_INITIATE
    case removeSpan(InodeID)
    /// REMOVE_INODE of a file
    case removeFile(InodeID)
    /// SET_DIRECTORY_INFO
    case setInfo(InodeID, [DirectoryInfoTag: [UInt8]])
    /// MAKE_DIRECTORY, or with a change MAKE_DIRECTORY_WITH_ATTRIBUTES, not exclusive.
    case makeDirectory(in: InodeID, name: [UInt8], InodeAttributeChange? = nil)
    /// SOFT_UNLINK_DIRECTORY
    case removeDirectory(Edge)
    /// RENAME_FILE or RENAME_DIRECTORY, as the target is
    case move(Edge, to: InodeID, name: [UInt8])
    /// REPLACE_DIRECTORY, between two directories: in one of them two things would happen at two moments.
    case replace(Edge, over: Edge)
    /// HARD_UNLINK_DIRECTORY
    case hardUnlinkDirectory(InodeID)
    /// So much time passes that transient files in use expire.
    case wait

    /// The directories whose names or policies it may change.
    public var directories: [InodeID] {
        switch self {
        case .construct, .setTime, .scrap, .removeSpan, .removeFile, .wait: []
        case .link(_, let directory, _), .linkOver(_, let directory, _, _), .setInfo(let directory, _),
            .makeDirectory(let directory, _, _), .hardUnlinkDirectory(let directory):
            [directory]
        case .publish(let publication): [publication.directory]
        case .setAttributes(let id, _): id.isDirectory ? [id] : []
        case .unlink(let edge), .rename(let edge, _, _), .resurrect(let edge, _), .lock(let edge), .unlock(let edge),
            .forget(let edge), .hardUnlink(let edge):
            [edge.directory]
        case .removeDirectory(let edge): [edge.directory, edge.target].filter(\.isDirectory)
        case .replace(let edge, let there):
            [edge.directory, there.directory] + [edge.target, there.target].filter(\.isDirectory)
        case .move(let edge, let directory, _): [edge.directory, directory, edge.target].filter(\.isDirectory)
        }
    }

    /// The directory that an edge's time in the reply belongs to.
    public var timedDirectory: InodeID? {
        switch self {
        case .move(_, let directory, _): directory
        case .replace(_, let there): there.directory
        default: directories.first
        }
    }
}

/// What a request is answered with; the model's time is a `Moment`, a cluster's a `Timestamp`.
public enum NamespaceReply<Time: Hashable & Sendable>: Hashable, Sendable {
    case done
    /// A new inode.
    case made(InodeID)
    /// Since when the edge made, the deletion marker of an unlink, exists.
    case since(Time)
    /// What MAKE_DIRECTORY answers.
    case directory(InodeID, since: Time)
    case refused(ProtocolError)
}
