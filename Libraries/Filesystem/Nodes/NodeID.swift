import Protocol

/// The number by which users of the filesystem know a file or directory (st_ino): that of the inode as which they met
/// it first. A file keeps it when another inode takes its place, for as long as somebody holds a reference.
public struct NodeID: Hashable, Sendable {
    public let inode: InodeID

    public init(_ inode: InodeID) {
        self.inode = inode
    }

    public static let root = NodeID(.root)
}
