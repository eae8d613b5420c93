import Protocol

/// When a file or directory was changed last (ctime), which moves with its name, too: a rename leaves its time in the
/// directory's entry and nothing in the inode. Pure.
package enum ChangeTime {
    /// A new file gets its name and its attributes a moment after its last write. What fstat(2) told of it before must
    /// stay true, for git and others remember it, so what happens this soon after a write happens with it.
    private static let publishingNanoseconds: UInt64 = 500_000_000

    /// - Parameters:
    ///   - changed: what its inode knows.
    ///   - modified: when its bytes were changed last; nil for directories.
    ///   - linked: when it got its name; nil where that is not known.
    package static func shown(changed: Timestamp, modified: Timestamp?, linked: Timestamp?) -> Timestamp {
        let last = max(changed, linked ?? changed)
        guard let modified, last > modified, last.nanoseconds - modified.nanoseconds <= publishingNanoseconds else {
            return last
        }
        return modified
    }
}
