import Client
import Protocol

/// A file or directory that somebody knows. Confined to the filesystem.
package final class Node {
    package let id: NodeID
    /// What it stands for now: the inode with that number, or after a replacement the new file, until the old one is
    /// forgotten.
    package internal(set) var content: InodeID
    /// Its name, as far as is known here; nil when it was removed.
    package var place: Place?
    /// How often observers were told of it and have not forgotten it.
    package var references: UInt64 = 0
    /// The file that is being written and will be its content.
    var staged: StagedFile?
    /// What observers have cached of it may be older than what was written past their cache.
    var hasStaleCache = false
    /// Of a finished file: its size never changes, its times hardly.
    private(set) var attributes: InodeAttributes?
    private var attributesUntil: UInt64 = 0

    package init(id: NodeID) {
        self.id = id
        content = id.inode
    }

    /// Whether the number stands for another file than its own.
    package var isAlias: Bool { id.inode != content }

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
