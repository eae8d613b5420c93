import Protocol

/// What is known of a file or directory.
public struct Attributes: Sendable {
    public let node: NodeID
    public let type: InodeType
    /// Bytes.
    public var size: UInt64
    public var modified: Timestamp
    public var accessed: Timestamp
    /// Names; 0 for a file that has lost its one.
    public var links: UInt32
    /// How long this may be believed, in seconds.
    public var validSeconds: Double

    public init(
        node: NodeID, type: InodeType, size: UInt64, modified: Timestamp, accessed: Timestamp, links: UInt32 = 1,
        validSeconds: Double
    ) {
        self.node = node
        self.type = type
        self.size = size
        self.modified = modified
        self.accessed = accessed
        self.links = links
        self.validSeconds = validSeconds
    }
}
