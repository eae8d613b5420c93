import Protocol

/// A name of a snapshot and what it leads to.
struct ListedSnapshot {
    let name: SnapshotName
    let target: InodeID
    let offset: UInt64

    init(_ name: SnapshotName, _ target: InodeID) {
        (self.name, self.target) = (name, target)
        offset = SnapshotOffset.of(name)
    }
}

/// What of a directory's snapshots is in one answer of its shard.
struct SnapshotPage {
    let directory: InodeID
    /// Where it was asked for.
    let start: FullReadDirCursor
    /// In the cluster's order. There may be none although others follow.
    let names: [ListedSnapshot]
    /// Where the next page begins; nil at the end.
    let next: FullReadDirCursor?

    /// Of the names behind one of these, the first; nil when that is not here.
    func index(behind offset: UInt64) -> Int? {
        names.lastIndex { $0.offset == offset }.map { $0 + 1 }
    }
}
