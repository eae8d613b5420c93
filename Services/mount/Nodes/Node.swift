import Client
import Protocol

/// An inode that the kernel knows. Confined to the mount.
package final class Node {
    /// The kernel's number for it.
    package let number: UInt64
    /// What it stands for now: the inode with that number, or after a replacement the new file, until the kernel has
    /// forgotten the old one.
    package internal(set) var content: InodeID
    /// Its name, as far as this mount knows; nil when it was removed.
    package var place: Place?
    /// How often the kernel was told of it and has not forgotten it.
    package var lookups: UInt64 = 0
    var construction: Construction?
    /// What the kernel has cached of it may be older than what was written past its cache.
    var hasStaleCache = false
    /// Of a finished file: its size never changes, its times hardly.
    private(set) var attributes: InodeAttributes?
    private var attributesUntil: UInt64 = 0

    package init(number: UInt64, content: InodeID) {
        self.number = number
        self.content = content
    }

    /// Whether the kernel's number stands for another file than its own.
    package var isAlias: Bool { NodeNumber.inode(number) != content }

    /// What is known of a finished file, if it is fresh enough.
    package func attributes(at nanoseconds: UInt64) -> InodeAttributes? {
        nanoseconds < attributesUntil ? attributes : nil
    }

    /// It was read at this time, as far as attributes are known.
    func accessed(_ time: Timestamp) {
        guard let known = attributes else { return }
        attributes = InodeAttributes(id: known.id, modified: known.modified, accessed: time, size: known.size)
    }

    package func remember(_ attributes: InodeAttributes?, until nanoseconds: UInt64) {
        self.attributes = attributes
        attributesUntil = nanoseconds
    }
}

/// The kernel calls the root 1; all others have the numbers of the cluster.
package enum NodeNumber {
    package static let root: UInt64 = 1

    package static func inode(_ number: UInt64) -> InodeID {
        number == root ? .root : InodeID(rawValue: number)
    }

    package static func number(_ inode: InodeID) -> UInt64 {
        inode == .root ? root : inode.rawValue
    }
}
