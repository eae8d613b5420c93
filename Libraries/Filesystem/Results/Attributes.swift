import Client
import Protocol

/// What is known of a file or directory.
public struct Attributes: Sendable {
    public let node: NodeID
    public let type: InodeType
    /// Bytes.
    public var size: UInt64
    /// Bytes of those that are zeros and take no room, as far as that is known.
    public var holeBytes: UInt64
    public var modified: Timestamp
    public var accessed: Timestamp
    /// When anything of it was changed last, its name included.
    public var changed: Timestamp
    /// Names; 0 for a file that has lost its one.
    public var links: UInt32
    /// Whose it is; nil where that is not stored: front ends make it up.
    public var permissions: Permissions?
    /// What it is if it is no ordinary file.
    public var special: SpecialFile?
    /// How long this may be believed, in seconds.
    public var validSeconds: Double

    public init(
        node: NodeID, type: InodeType, size: UInt64, holeBytes: UInt64 = 0, modified: Timestamp, accessed: Timestamp,
        changed: Timestamp? = nil, links: UInt32 = 1, permissions: Permissions? = nil, special: SpecialFile? = nil,
        validSeconds: Double
    ) {
        self.node = node
        self.type = type
        self.size = size
        self.holeBytes = holeBytes
        self.modified = modified
        self.accessed = accessed
        self.changed = changed ?? modified
        self.links = links
        self.permissions = permissions
        self.special = special
        self.validSeconds = validSeconds
    }
}
