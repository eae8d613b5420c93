import Protocol

/// How a file that was written becomes visible.
public struct Publication: Hashable, Sendable {
    /// What the name must lead to for that.
    public enum Condition: Hashable, Sendable {
        /// Whatever it is; that becomes a snapshot.
        case anything
        /// Nothing, as O_EXCL wants it.
        case nothing
        /// This version, so that nobody's newer one is undone.
        case version(InodeID)
    }

    /// In the shard in which the file was made.
    public var directory: InodeID
    public var name: [UInt8]
    public var condition: Condition
    /// The number of the file that this is the next version of (`FileVersion.number`); nil: it is a file of its own.
    public var number: InodeID?
    /// Whether the version that it replaces, which `condition` names, leaves no snapshot. Done where the shard can: for
    /// a version of the same file that is in the same shard. It stays readable for the shard's grace.
    public var supersedes: Bool
    /// Whether the file begins with the ownership and the extended attributes of the one that has the name, if that is
    /// an ordinary file in the same shard. Where the cluster stores attributes, as everything from here on.
    public var inherits: Bool
    /// Whether set-user-ID and set-group-ID are inherited as well: only if nobody has written who may not give them.
    /// Capabilities never are.
    public var keepsPrivileges: Bool
    /// What it has if it inherits nothing: the name leads to another file by now, or to none.
    public var otherwise: Ownership
    /// What the file, which must be empty then, is instead of an ordinary one. Refused with UNRECOGNIZED_REQUEST where
    /// the cluster stores no attributes.
    public var special: SpecialFile?
    /// What is different from what it begins with.
    public var change: InodeChange

    public init(
        directory: InodeID, name: [UInt8], condition: Condition = .anything, number: InodeID? = nil,
        supersedes: Bool = false, inherits: Bool = true, keepsPrivileges: Bool = false,
        otherwise: Ownership = Ownership(), special: SpecialFile? = nil,
        change: InodeChange = .nothing
    ) {
        self.directory = directory
        self.name = name
        self.condition = condition
        self.number = number
        self.supersedes = supersedes
        self.inherits = inherits
        self.keepsPrivileges = keepsPrivileges
        self.otherwise = otherwise
        self.special = special
        self.change = change
    }

    /// Whether it has something to say about attributes.
    var hasAttributes: Bool {
        !inherits || keepsPrivileges || otherwise != Ownership() || special != nil || change != .nothing
    }

    /// What the name must lead to; null: nothing; nil: whatever it is.
    var expected: InodeID? {
        switch condition {
        case .anything: nil
        case .nothing: .null
        case .version(let id): id
        }
    }
}

/// A version that has become visible.
public struct PublishedVersion: Hashable, Sendable {
    /// Of its name.
    public var creationTime: Timestamp
    /// The file's number: that of the publication, or the version's own id.
    public var number: InodeID
    /// What it has, inherited or given; nil: nobody asked.
    public var ownership: Ownership?

    public init(creationTime: Timestamp, number: InodeID, ownership: Ownership? = nil) {
        self.creationTime = creationTime
        self.number = number
        self.ownership = ownership
    }
}

/// A version of a file.
public struct FileVersion: Hashable, Sendable {
    /// What is the same for all versions of a file, for programs to see.
    public let number: InodeID
    public let attributes: InodeAttributes

    public init(number: InodeID, attributes: InodeAttributes) {
        self.number = number
        self.attributes = attributes
    }

    init(_ found: StatVersionResponse) {
        number = found.number
        attributes = InodeAttributes(
            id: found.id, modified: found.mtime, accessed: found.atime, size: found.size)
    }

    init(_ found: StatAttributesResponse) {
        number = found.number
        attributes = InodeAttributes(found)
    }
}

extension PublishFileRequest {
    /// - Parameter span: what is still to be appended to the file, if anything.
    init(_ file: TransientHandle, _ publication: Publication, appending span: AddInlineSpanRequest? = nil) {
        self.init(
            fileId: file.id, cookie: file.cookie, storageClass: span == nil ? .empty : .inline,
            byteOffset: span?.byteOffset ?? 0, size: span?.size ?? 0, crc: span?.crc ?? .zero, body: span?.body ?? [],
            ownerId: publication.directory, name: publication.name, isConditional: publication.expected != nil,
            expectedId: publication.expected ?? .null, number: publication.number ?? .null,
            supersedes: publication.supersedes)
    }
}

extension PublishFileWithAttributesRequest {
    init(_ request: PublishFileRequest, _ publication: Publication) {
        self.init(
            publication: request, inherits: publication.inherits, keepsPrivileges: publication.keepsPrivileges,
            otherwise: publication.otherwise.wire, kind: publication.special?.kind ?? .none,
            device: publication.special?.device ?? 0, change: publication.change.wire)
    }
}
