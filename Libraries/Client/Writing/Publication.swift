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

    public init(
        directory: InodeID, name: [UInt8], condition: Condition = .anything, number: InodeID? = nil,
        supersedes: Bool = false
    ) {
        self.directory = directory
        self.name = name
        self.condition = condition
        self.number = number
        self.supersedes = supersedes
    }

    /// Whether LINK_FILE does it.
    var isPlain: Bool { condition == .anything && number == nil }

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

    public init(creationTime: Timestamp, number: InodeID) {
        self.creationTime = creationTime
        self.number = number
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
