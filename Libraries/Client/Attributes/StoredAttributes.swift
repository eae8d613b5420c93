import Protocol

/// What a cluster with the extension ATTRIBUTES keeps of an inode besides what every cluster does.
public struct StoredAttributes: Hashable, Sendable {
    public var ownership: Ownership
    /// The ctime, but for changes of names.
    public var changed: Timestamp
    /// What people are shown; of a directory it may be what somebody set, for as long as its entries stay.
    public var modified: Timestamp
    public var accessed: Timestamp
    public var special: SpecialFile?
    /// How long the list of extended attributes is, encoded; 0: there are none.
    public var extendedBytes: Int
    /// Bytes of the file that are zeros and take no room.
    public var holeBytes: UInt64

    public init(
        ownership: Ownership = Ownership(), changed: Timestamp, modified: Timestamp, accessed: Timestamp,
        special: SpecialFile? = nil, extendedBytes: Int = 0, holeBytes: UInt64 = 0
    ) {
        self.ownership = ownership
        self.changed = changed
        self.modified = modified
        self.accessed = accessed
        self.special = special
        self.extendedBytes = extendedBytes
        self.holeBytes = holeBytes
    }

    init(_ found: StatAttributesResponse) {
        self.init(
            ownership: Ownership(found.ownership), changed: found.ctime, modified: found.userMtime,
            accessed: found.atime, special: SpecialFile(found.kind, device: found.device),
            extendedBytes: Int(found.extendedBytes), holeBytes: found.holes)
    }
}
