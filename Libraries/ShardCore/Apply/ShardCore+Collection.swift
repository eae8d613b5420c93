import Mutations
import Protocol

// Removing what nothing names any more (metadata.md B.12, B.13).

extension ShardCore {
    /// REMOVE_NON_OWNED_EDGE: one piece of history that keeps nothing alive; deletion markers, too.
    func removeNonOwnedEdge(
        _ request: RemoveNonOwnedEdgeRequest, _ entry: ShardLogEntry
    ) throws(ShardFailure) -> RemoveNonOwnedEdgeResponse {
        var directory = try modifiedAny(request.dirId, entry.time, keepsNames: true)
        if let edge = try state.snapshotEdge(request.dirId, request.name, request.creationTime) {
            guard !edge.isOwned else { throw .refused(.edgeNotFound) }
            guard entry.mayRemoveHistory(of: request.creationTime) else { throw .refused(.deadlineNotPassed) }
            removeSnapshotEdge(request.dirId, &directory, request.name, request.creationTime)
        }
        try state.putDirectory(request.dirId, directory)
        return RemoveNonOwnedEdgeResponse()
    }

    /// SAME_SHARD_HARD_FILE_UNLINK: the last edge that kept a file alive goes, and the file with it.
    func hardUnlink(
        _ request: SameShardHardFileUnlinkRequest, _ entry: ShardLogEntry
    ) throws(ShardFailure) -> SameShardHardFileUnlinkResponse {
        let file: FileRecord
        switch try state.inode(request.targetId) {
        case .linked(let record): file = record
        case .transient: return SameShardHardFileUnlinkResponse()
        case .absent: throw .refused(.fileNotFound)
        }
        var owner = try modifiedAny(request.ownerId, entry.time, keepsNames: true)
        guard let edge = try state.snapshotEdge(request.ownerId, request.name, request.creationTime), edge.isOwned
        else {
            throw .refused(.edgeNotFound)
        }
        guard edge.target.id == request.targetId else { throw .refused(.mismatchingTarget) }
        guard entry.mayRemoveHistory(of: request.creationTime) else { throw .refused(.deadlineNotPassed) }
        removeSnapshotEdge(request.ownerId, &owner, request.name, request.creationTime)
        try state.putDirectory(request.ownerId, owner)
        if !Mutation.hardUnlinkKeepsFile.isPlanted { try unlinked(request.targetId, file, request.name, entry) }
        return SameShardHardFileUnlinkResponse()
    }

    /// REMOVE_OWNED_SNAPSHOT_FILE_EDGE: the same for a file of another shard, first half. An edge that was resurrected
    /// meanwhile is left alone. One that is absent was removed by an earlier copy of the request, unless that is
    /// impossible: then somebody else took it away, who may have given the file a name before.
    func removeOwnedEdge(
        _ request: RemoveOwnedSnapshotFileEdgeRequest, _ entry: ShardLogEntry
    ) throws(ShardFailure) -> RemoveOwnedSnapshotFileEdgeResponse {
        var owner = try modifiedAny(request.ownerId, entry.time, keepsNames: true)
        if let edge = try state.snapshotEdge(request.ownerId, request.name, request.creationTime) {
            guard edge.isOwned else { throw .refused(.edgeNotOwned) }
            guard edge.target.id == request.targetId else { throw .refused(.mismatchingTarget) }
            guard entry.mayRemoveHistory(of: request.creationTime) else { throw .refused(tooYoung(for: entry)) }
            removeSnapshotEdge(request.ownerId, &owner, request.name, request.creationTime)
        } else if case .sequence? = entry.repetition {
            throw .refused(.edgeNotFound)
        }
        try state.putDirectory(request.ownerId, owner)
        return RemoveOwnedSnapshotFileEdgeResponse()
    }

    /// A coordinator of the base protocol would stop at DEADLINE_NOT_PASSED, which it does not expect here; what it
    /// takes for an end is DIRECTORY_NOT_FOUND (D.5).
    private func tooYoung(for entry: ShardLogEntry) -> ProtocolError {
        if case .sequence? = entry.repetition { .deadlineNotPassed } else { .directoryNotFound }
    }

    /// MAKE_FILE_TRANSIENT: second half.
    func makeTransient(
        _ request: MakeFileTransientRequest, _ entry: ShardLogEntry
    ) throws(ShardFailure) -> MakeFileTransientResponse {
        switch try state.inode(request.id) {
        case .linked(let record): try unlinked(request.id, record, request.note, entry)
        case .transient: break
        case .absent: throw .refused(.fileNotFound)
        }
        return MakeFileTransientResponse()
    }

    private func removeSnapshotEdge(
        _ directoryId: InodeID, _ directory: inout DirectoryRecord, _ name: [UInt8], _ creationTime: Timestamp
    ) {
        state.removeSnapshotEdge(directoryId, NameHash(of: name), name, creationTime)
        directory.snapshotEdges &-= 1
    }

    /// A linked file becomes transient and may be collected at once.
    private func unlinked(
        _ id: InodeID, _ file: FileRecord, _ note: [UInt8], _ entry: ShardLogEntry
    ) throws(ShardFailure) {
        // Nothing owns a body, and only the references to it keep it.
        guard try state.body(id) == nil else { throw .refused(.fileNotFound) }
        let record = TransientFileRecord(
            size: file.size, mtime: entry.time, deadline: entry.now, fate: .doomed, lastSpanState: .clean, note: note)
        try state.putTransientFile(id, record, wasLinked: true)
        state.removeExtended(of: id, file.attributes)
        try forgetNumber(of: id, file)
    }

    /// REMOVE_INODE
    func removeInode(
        _ request: RemoveInodeRequest, _ entry: ShardLogEntry
    ) throws(ShardFailure) -> RemoveInodeResponse {
        if request.id.isDirectory {
            try removeDirectory(request.id, entry.time)
        } else {
            try removeFile(request.id, entry)
        }
        return RemoveInodeResponse()
    }

    private func removeDirectory(_ id: InodeID, _ time: Timestamp) throws(ShardFailure) {
        guard try state.directory(id) != nil else { return }
        let record = try modifiedAny(id, time)
        guard record.owner.isNull else { throw .refused(.directoryHasOwner) }
        guard record.currentEdges == 0, record.snapshotEdges == 0 else { throw .refused(.directoryNotEmpty) }
        state.removeDirectory(id)
        state.removeExtended(of: id, record.attributes)
    }

    private func removeFile(_ id: InodeID, _ entry: ShardLogEntry) throws(ShardFailure) {
        switch try state.inode(id) {
        case .absent: return
        case .linked: throw .refused(.fileIsNotTransient)
        case .transient(let record):
            guard record.isPastDeadline(at: entry) else { throw .refused(.deadlineNotPassed) }
            guard record.size == 0 else { throw .refused(.fileNotEmpty) }
            state.removeTransientFile(id)
            if let version = record.supersededVersion { state.removeExtended(of: id, version.attributes) }
        }
    }
}
