import Mutations
import Protocol

// The two operations that everything done to names is made of (metadata.md A.4, B.10, B.11).

extension ShardCore {
    /// Names of one hash that a directory may have: as many as always fit together into the smallest answer to READ_DIR
    /// (1472 bytes; names of 255 bytes take 280 each), because clients of the base protocol cannot go on between two of
    /// them. Nobody has two who does not make them on purpose.
    public static var largestHashGroup: Int { 5 }

    /// Makes `name` stand for `target`, pushing what it stood for into history, and returns the edge's creation time.
    ///
    /// `directory` is the record with the entry's time as mtime; the caller stores it. As every edge is older than the
    /// mtime was, no edge of the name can be as recent as the entry.
    ///
    /// - Parameter lockingSince: nil for an ordinary edge. For a locked edge of the coordinator: the creation time of
    ///   the newest edge of the name that it knows of (0: none), so that of several copies of its request only one
    ///   succeeds.
    /// - Parameter leavingSnapshot: whether what the name stood for becomes history, which owns it from then on.
    func createEdge(
        _ directoryId: InodeID, _ directory: inout DirectoryRecord, _ name: [UInt8], _ target: InodeID,
        lockingSince: Timestamp? = nil, leavingSnapshot: Bool = true, _ entry: ShardLogEntry
    ) throws(ShardFailure) -> Timestamp {
        let time = entry.time
        let hash = NameHash(of: name)
        var creationTime = time
        if let existing = try state.currentEdge(directoryId, hash, name) {
            if existing.isLocked {
                creationTime = try relocked(existing, target, lockingSince)
            } else {
                try checkReplacing(existing, target, lockingSince, time)
                if leavingSnapshot { try leaveSnapshot(of: existing, directoryId, &directory, hash, name) }
            }
        } else {
            if let lockingSince {
                let newest =
                    directory.snapshotEdges == 0
                    ? .zero : try state.newestSnapshotTime(directoryId, hash, name)
                guard newest < time else { throw .refused(.moreRecentSnapshotEdge) }
                guard newest == lockingSince else { throw .refused(.mismatchingCreationTime) }
            }
            try checkHashGroup(directoryId, directory, hash, entry)
            directory.currentEdges &+= 1
        }
        let edge = CurrentEdgeRecord(target: target, isLocked: lockingSince != nil, creationTime: creationTime)
        try state.putCurrentEdge(directoryId, hash, name, edge)
        return creationTime
    }

    /// What a name stood for becomes history, which owns it.
    private func leaveSnapshot(
        of existing: CurrentEdgeRecord, _ directoryId: InodeID, _ directory: inout DirectoryRecord, _ hash: NameHash,
        _ name: [UInt8]
    ) throws(ShardFailure) {
        let past = SnapshotEdgeRecord(
            target: existing.target.id, isOwned: !Mutation.replacedFileIsDisowned.isPlanted)
        try state.putSnapshotEdge(directoryId, hash, name, existing.creationTime, past)
        directory.snapshotEdges &+= 1
    }

    /// One more name of this hash. Names that other versions made stay, however many.
    private func checkHashGroup(
        _ directoryId: InodeID, _ directory: DirectoryRecord, _ hash: NameHash, _ entry: ShardLogEntry
    ) throws(ShardFailure) {
        guard directory.currentEdges >= Self.largestHashGroup, entry.limitsHashGroups,
            !Mutation.hashGroupsHaveNoLimit.isPlanted
        else { return }
        let names = try state.countCurrentEdges(directoryId, hash, atMost: Self.largestHashGroup)
        guard names < Self.largestHashGroup else { throw .refused(.badName) }
    }

    /// The coordinator repeats a request whose answer it did not get: the edge stays what it is.
    private func relocked(
        _ existing: CurrentEdgeRecord, _ target: InodeID, _ lockingSince: Timestamp?
    ) throws(ShardFailure) -> Timestamp {
        guard let lockingSince else { throw .refused(.nameIsLocked) }
        guard existing.target.id == target else { throw .refused(.mismatchingTarget) }
        guard existing.creationTime == lockingSince else { throw .refused(.mismatchingCreationTime) }
        return existing.creationTime
    }

    private func checkReplacing(
        _ existing: CurrentEdgeRecord, _ target: InodeID, _ lockingSince: Timestamp?, _ time: Timestamp
    ) throws(ShardFailure) {
        guard existing.creationTime < time else { throw .refused(.moreRecentCurrentEdge) }
        guard !target.isDirectory, !existing.target.id.isDirectory else { throw .refused(.cannotOverrideName) }
        guard lockingSince == nil || lockingSince == existing.creationTime else {
            throw .refused(.mismatchingCreationTime)
        }
    }

    /// Ends the current edge of `name`: it becomes history, followed by a deletion marker at `time`.
    ///
    /// - Parameter keepingFile: whether the snapshot edge owns the file (unlink) or is mere history (moved away).
    func softUnlinkEdge(
        _ directoryId: InodeID, _ directory: inout DirectoryRecord, _ name: [UInt8], _ creationTime: Timestamp,
        _ target: InodeID, keepingFile: Bool, _ time: Timestamp
    ) throws(ShardFailure) {
        let hash = NameHash(of: name)
        guard let existing = try state.currentEdge(directoryId, hash, name) else {
            throw .refused(.edgeNotFound)
        }
        guard existing.target.id == target else { throw .refused(.mismatchingTarget) }
        guard existing.creationTime == creationTime || Mutation.unlinkIgnoresCreationTime.isPlanted else {
            throw .refused(.mismatchingCreationTime)
        }
        guard !existing.isLocked || Mutation.unlinkIgnoresLock.isPlanted else { throw .refused(.edgeIsLocked) }
        try moveToHistory(directoryId, &directory, hash, name, existing, keepingFile: keepingFile, time)
    }

    func moveToHistory(
        _ directoryId: InodeID, _ directory: inout DirectoryRecord, _ hash: NameHash, _ name: [UInt8],
        _ existing: CurrentEdgeRecord, keepingFile: Bool, _ time: Timestamp
    ) throws(ShardFailure) {
        state.removeCurrentEdge(directoryId, hash, name)
        let past = SnapshotEdgeRecord(target: existing.target.id, isOwned: keepingFile)
        try state.putSnapshotEdge(directoryId, hash, name, existing.creationTime, past)
        try state.putSnapshotEdge(directoryId, hash, name, time, .deletionMarker)
        directory.currentEdges &-= 1
        directory.snapshotEdges &+= 2
    }
}
