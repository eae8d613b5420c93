import Protocol

/// The number by which users of the filesystem know a file or directory (st_ino): an inode's, or a file's, which all
/// its versions have. Where a cluster gives every version a number of its own, a node keeps the one that it was met by
/// for as long as somebody knows it.
public struct NodeID: Hashable, Sendable {
    public let inode: InodeID

    public init(_ inode: InodeID) {
        self.inode = inode
    }

    public static let root = NodeID(.root)
}
