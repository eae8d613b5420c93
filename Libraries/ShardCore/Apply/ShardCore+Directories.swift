import Mutations
import Protocol

// Directories, their policies, and the edges that the coordinator holds (metadata.md B.12).

extension ShardCore {
    /// The first entry: the shard's key, and on shard 0 the root directory. Repeated, it changes nothing.
    func begin(_ genesis: ShardGenesis, _ time: Timestamp) throws(ShardFailure) -> AnyShardResponse {
        let nothing = AnyShardResponse.setDirectoryInfo(SetDirectoryInfoResponse())
        guard state.identity == nil else { return nothing }
        try state.putIdentity(ShardIdentity(cookieKey: genesis.cookieKey))
        if isMine(.root) {
            let root = DirectoryRecord(
                owner: .null, mtime: .zero, currentEdges: 0, snapshotEdges: 0, info: try encoded(genesis.rootInfo))
            try state.putDirectory(.root, root)
        }
        return nothing
    }

    private func encoded(_ info: DirectoryInfo) throws(ShardFailure) -> [UInt8] {
        do throws(EncodeError) {
            return try info.encoded()
        } catch {
            throw .state(.unencodable(error))
        }
    }

    /// SET_DIRECTORY_INFO. A snapshot directory can inherit nothing, so it keeps the policies that the request leaves
    /// out (X9): one that comes after the directory's removal must not keep its history from ever being collected.
    func setInfo(_ request: SetDirectoryInfoRequest, _ time: Timestamp) throws(ShardFailure) -> SetDirectoryInfoResponse
    {
        var record = try modifiedAny(request.id, time, keepsNames: true)
        var info = request.info
        if record.owner.isNull && request.id != .root {
            let given = Set(info.entries.map(\.tag))
            let kept = try decoded(record.info, of: request.id)
            info.entries += kept.entries.filter { !given.contains($0.tag) }
        }
        record.info = try encoded(info)
        try state.putDirectory(request.id, record)
        return SetDirectoryInfoResponse()
    }

    private func decoded(_ info: [UInt8], of directory: InodeID) throws(ShardFailure) -> DirectoryInfo {
        do throws(DecodeError) {
            return try DirectoryInfo(decoding: info)
        } catch {
            throw .state(.corruptRecord(key: state.keys.directory(directory)))
        }
    }

    /// CREATE_DIRECTORY_INODE. A snapshot directory is not brought back by a request that comes late.
    func createDirectory(
        _ request: CreateDirectoryInodeRequest, _ entry: ShardLogEntry
    ) throws(ShardFailure) -> CreateDirectoryInodeResponse {
        CreateDirectoryInodeResponse(mtime: try createDirectory(request, .nothing, entry))
    }

    /// CREATE_DIRECTORY_INODE_WITH_ATTRIBUTES
    func createDirectory(
        _ request: CreateDirectoryInodeWithAttributesRequest, _ entry: ShardLogEntry
    ) throws(ShardFailure) -> CreateDirectoryInodeWithAttributesResponse {
        CreateDirectoryInodeWithAttributesResponse(
            mtime: try createDirectory(request.creation, request.change, entry))
    }

    /// Returns when the directory was made; 0: it was there.
    private func createDirectory(
        _ request: CreateDirectoryInodeRequest, _ change: InodeAttributeChange, _ entry: ShardLogEntry
    ) throws(ShardFailure) -> Timestamp {
        if let existing = try state.directory(request.id) {
            guard !existing.owner.isNull || request.id == .root else { throw .refused(.directoryNotFound) }
            guard existing.owner == request.ownerId else { throw .refused(.mismatchingOwner) }
            return .zero
        }
        var record = DirectoryRecord(
            owner: request.ownerId, mtime: entry.time, currentEdges: 0, snapshotEdges: 0,
            info: try encoded(request.info))
        if entry.keepsAttributes { try self.change(&record, request.id, by: change, entry) }
        try state.putDirectory(request.id, record)
        return entry.time
    }

    /// SET_DIRECTORY_OWNER. Only renames of live directories use it; a snapshot directory is not brought back by a late
    /// copy.
    func setOwner(
        _ request: SetDirectoryOwnerRequest, _ time: Timestamp
    ) throws(ShardFailure) -> SetDirectoryOwnerResponse {
        var record = try modifiedLive(request.dirId, time, keepsNames: true)
        record.owner = request.ownerId
        try state.putDirectory(request.dirId, record)
        return SetDirectoryOwnerResponse()
    }

    /// REMOVE_DIRECTORY_OWNER. The info is the resolved one: without an owner nothing can be inherited any more.
    func removeOwner(
        _ request: RemoveDirectoryOwnerRequest, _ entry: ShardLogEntry
    ) throws(ShardFailure) -> RemoveDirectoryOwnerResponse {
        var record = try modifiedAny(request.dirId, entry.time, keepsNames: true)
        if !record.owner.isNull {
            guard record.currentEdges == 0 || Mutation.removedDirectoryMayHaveEntries.isPlanted else {
                throw .refused(.directoryNotEmpty)
            }
            if entry.keepsAttributes { record.attributes.formerOwner = record.owner }
            record.owner = .null
            record.info = try encoded(request.info)
        }
        try state.putDirectory(request.dirId, record)
        return RemoveDirectoryOwnerResponse()
    }

    /// CREATE_LOCKED_CURRENT_EDGE
    func createLockedEdge(
        _ request: CreateLockedCurrentEdgeRequest, _ entry: ShardLogEntry
    ) throws(ShardFailure) -> CreateLockedCurrentEdgeResponse {
        var directory = try modifiedLive(request.dirId, entry.time)
        let created = try createEdge(
            request.dirId, &directory, request.name, request.targetId, lockingSince: request.oldCreationTime, entry)
        try state.putDirectory(request.dirId, directory)
        return CreateLockedCurrentEdgeResponse(creationTime: created)
    }

    /// LOCK_CURRENT_EDGE
    func lockEdge(_ request: LockCurrentEdgeRequest, _ time: Timestamp) throws(ShardFailure) -> LockCurrentEdgeResponse
    {
        let directory = try modifiedLive(request.dirId, time, keepsNames: true)
        let hash = NameHash(of: request.name)
        let edge = try edgeOfTransaction(request.dirId, hash, request.name, request.creationTime, request.targetId)
        let locked = CurrentEdgeRecord(
            target: request.targetId, isLocked: !Mutation.lockIsForgotten.isPlanted, creationTime: edge.creationTime)
        try state.putCurrentEdge(request.dirId, hash, request.name, locked)
        try state.putDirectory(request.dirId, directory)
        return LockCurrentEdgeResponse()
    }

    /// UNLOCK_CURRENT_EDGE. The edge need not be locked.
    func unlockEdge(
        _ request: UnlockCurrentEdgeRequest, _ time: Timestamp
    ) throws(ShardFailure) -> UnlockCurrentEdgeResponse {
        var directory = try modifiedLive(request.dirId, time, keepsNames: !request.wasMoved)
        let hash = NameHash(of: request.name)
        let edge = try edgeOfTransaction(request.dirId, hash, request.name, request.creationTime, request.targetId)
        if request.wasMoved && !Mutation.moveKeepsSource.isPlanted {
            try moveToHistory(request.dirId, &directory, hash, request.name, edge, keepingFile: false, time)
        } else {
            let open = CurrentEdgeRecord(target: request.targetId, isLocked: false, creationTime: edge.creationTime)
            try state.putCurrentEdge(request.dirId, hash, request.name, open)
        }
        try state.putDirectory(request.dirId, directory)
        return UnlockCurrentEdgeResponse()
    }

    /// REPLACE_LOCKED_DIRECTORY_EDGE. The name's history gets the old target, which owns nothing (S10), between its
    /// last time and the new edge's (S7, S8). Repeated, it changes nothing.
    func replaceLockedEdge(
        _ request: ReplaceLockedDirectoryEdgeRequest, _ time: Timestamp
    ) throws(ShardFailure) -> ReplaceLockedDirectoryEdgeResponse {
        var directory = try modifiedLive(request.dirId, time)
        let hash = NameHash(of: request.name)
        guard let edge = try state.currentEdge(request.dirId, hash, request.name), edge.isLocked else {
            throw .refused(.edgeNotFound)
        }
        if edge.target.id == request.newTargetId {
            let past = try state.snapshotEdge(request.dirId, request.name, request.creationTime)
            guard past?.target.id == request.targetId else { throw .refused(.mismatchingCreationTime) }
            return ReplaceLockedDirectoryEdgeResponse(creationTime: edge.creationTime)
        }
        guard edge.creationTime == request.creationTime else { throw .refused(.mismatchingCreationTime) }
        guard edge.target.id == request.targetId else { throw .refused(.mismatchingTarget) }
        let past = SnapshotEdgeRecord(target: request.targetId, isOwned: false)
        try state.putSnapshotEdge(request.dirId, hash, request.name, edge.creationTime, past)
        let locked = CurrentEdgeRecord(target: request.newTargetId, isLocked: true, creationTime: time)
        try state.putCurrentEdge(request.dirId, hash, request.name, locked)
        directory.snapshotEdges &+= 1
        try state.putDirectory(request.dirId, directory)
        return ReplaceLockedDirectoryEdgeResponse(creationTime: time)
    }

    /// The current edge that a transaction of the coordinator means, and no later one of that name.
    private func edgeOfTransaction(
        _ directory: InodeID, _ hash: NameHash, _ name: [UInt8], _ creationTime: Timestamp, _ target: InodeID
    ) throws(ShardFailure) -> CurrentEdgeRecord {
        guard let edge = try state.currentEdge(directory, hash, name) else { throw .refused(.edgeNotFound) }
        guard edge.creationTime == creationTime else { throw .refused(.mismatchingCreationTime) }
        guard edge.target.id == target else { throw .refused(.mismatchingTarget) }
        return edge
    }
}
