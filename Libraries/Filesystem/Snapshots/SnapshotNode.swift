import Protocol

// What is only in snapshots has numbers of its own: an inode's, with a bit that none has. A version that was replaced
// often has the number of its file, which means the newest one.

extension NodeID {
    private static let bit: UInt64 = 1 << 63

    /// A file's version or a symbolic link as it is in a snapshot; of a directory, the place where its snapshots are.
    init(snapshotsOf inode: InodeID) {
        self.init(InodeID(rawValue: inode.rawValue | Self.bit))
    }

    /// Whether it can only be read.
    public var isSnapshot: Bool { inode.rawValue & Self.bit != 0 }

    /// The inode that is meant.
    var snapshotInode: InodeID { InodeID(rawValue: inode.rawValue & ~Self.bit) }
}
