import Filesystem
import Protocol

/// The kernel calls the root 1; all others have the numbers of the cluster.
extension NodeID {
    private static let kernelRoot: UInt64 = 1

    package init(kernel number: UInt64) {
        self.init(number == Self.kernelRoot ? .root : InodeID(rawValue: number))
    }

    package var kernelNumber: UInt64 {
        self == .root ? Self.kernelRoot : inode.rawValue
    }
}
