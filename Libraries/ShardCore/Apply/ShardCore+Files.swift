import Mutations
import Protocol

// Making, naming and unnaming files (metadata.md B.9, B.10).

extension ShardCore {
    /// CONSTRUCT_FILE. Not idempotent: a repeated request makes another file, which its deadline removes.
    func construct(
        _ request: ConstructFileRequest, _ entry: ShardLogEntry
    ) throws(ShardFailure) -> ConstructFileResponse {
        guard let identity = state.identity else { throw .refused(.internalError) }
        let id = state.takeID(of: request.type)
        let record = TransientFileRecord(
            size: 0, mtime: entry.time, deadline: entry.deadline, fate: entry.fateOfOpenFiles,
            lastSpanState: .clean, note: request.note)
        try state.putTransientFile(id, record)
        return ConstructFileResponse(id: id, cookie: secrets.cookie(of: id, identity))
    }

    /// CONSTRUCT_FILES
    func construct(
        _ request: ConstructFilesRequest, _ entry: ShardLogEntry
    ) throws(ShardFailure) -> ConstructFilesResponse {
        let one = ConstructFileRequest(type: request.type, note: request.note)
        var files: [ConstructFileResponse] = []
        for _ in 0..<request.count {
            if let first = files.first, Mutation.filesOfARequestAreOne.isPlanted {
                files.append(first)
            } else {
                files.append(try construct(one, entry))
            }
        }
        return ConstructFilesResponse(files: files)
    }

    /// LINK_FILE
    func link(_ request: LinkFileRequest, _ entry: ShardLogEntry) throws(ShardFailure) -> LinkFileResponse {
        guard case .transient(let file) = try state.inode(request.fileId),
            file.isOpen(at: entry) || Mutation.expiredFileIsLinked.isPlanted
        else {
            return LinkFileResponse(creationTime: try timeLinked(request))
        }
        return LinkFileResponse(creationTime: try link(request, file, entry).creationTime)
    }

    /// LINK_FILE_WITH_SPAN
    func link(
        _ request: LinkFileWithSpanRequest, _ entry: ShardLogEntry
    ) throws(ShardFailure) -> LinkFileWithSpanResponse {
        guard case .transient(var file) = try state.inode(request.fileId), file.isOpen(at: entry) else {
            return LinkFileWithSpanResponse(creationTime: try timeLinked(request.link))
        }
        try append(request.span, to: &file, entry)
        return LinkFileWithSpanResponse(creationTime: try link(request.link, file, entry).creationTime)
    }

    /// LINK_FILE_IF_UNCHANGED
    func link(
        _ request: LinkFileIfUnchangedRequest, _ entry: ShardLogEntry
    ) throws(ShardFailure) -> LinkFileIfUnchangedResponse {
        guard case .transient(let file) = try state.inode(request.fileId), file.isOpen(at: entry) else {
            return LinkFileIfUnchangedResponse(creationTime: try timeLinked(request.link))
        }
        let expected = Mutation.linkIgnoresExpectation.isPlanted ? nil : request.expectedId
        let succession = Succession(expected: expected)
        return LinkFileIfUnchangedResponse(creationTime: try link(request.link, file, entry, succession).creationTime)
    }

    /// Makes a transient file, as it is by now, the target of a name.
    func link(
        _ request: LinkFileRequest, _ file: TransientFileRecord, _ entry: ShardLogEntry,
        _ succession: Succession = .anything, _ beginning: FileBeginning = .inherited
    ) throws(ShardFailure) -> Publishing {
        let time = entry.time
        guard file.lastSpanState == .clean else { throw .refused(.lastSpanStateNotClean) }
        var owner = try changeableLive(request.ownerId, time)
        let inheritance = try inheritance(request, succession)
        // The next version of a file is no other name.
        owner.move(to: time, keepsNames: inheritance.isNext)
        var record = FileRecord(size: file.size, mtime: time, atime: time, number: inheritance.number)
        try beginAttributes(of: &record, request, beginning, inheritance, entry)
        record.attributes.holes = file.holes
        let creationTime = try createEdge(
            request.ownerId, &owner, request.name, request.fileId, leavingSnapshot: inheritance.superseded == nil,
            entry)
        try state.putDirectory(request.ownerId, owner)
        try state.putFile(request.fileId, record, wasTransient: true)
        try settle(inheritance, request, entry)
        return Publishing(creationTime: creationTime, file: record)
    }

    /// When the very edge that a repeated LINK_FILE, or one of its relatives, asks for was made.
    func timeLinked(_ request: LinkFileRequest) throws(ShardFailure) -> Timestamp {
        guard let owner = try state.directory(request.ownerId),
            !owner.owner.isNull || request.ownerId == .root,
            let edge = try state.currentEdge(request.ownerId, NameHash(of: request.name), request.name),
            edge.target.id == request.fileId
        else { throw .refused(.fileNotFound) }
        return edge.creationTime
    }

    /// SOFT_UNLINK_FILE. The file may live in another shard; it is not looked at.
    func softUnlink(_ request: SoftUnlinkFileRequest, _ time: Timestamp) throws(ShardFailure) -> SoftUnlinkFileResponse
    {
        var owner = try modifiedLive(request.ownerId, time)
        try softUnlinkEdge(
            request.ownerId, &owner, request.name, request.creationTime, request.fileId, keepingFile: true, time)
        try state.putDirectory(request.ownerId, owner)
        return SoftUnlinkFileResponse(deleteCreationTime: time)
    }

    /// SAME_DIRECTORY_RENAME, RENAME_WITH_ATTRIBUTES
    /// - Parameter inherits: whether a file that has no attributes gets those of the file that it replaces.
    /// - Returns: creation time of the new name.
    func rename(
        _ request: SameDirectoryRenameRequest, _ entry: ShardLogEntry, inherits: Bool
    ) throws(ShardFailure) -> Timestamp {
        let time = entry.time
        if inherits { try inheritAttributes(request, entry) }
        var directory = try modifiedLive(request.dirId, time)
        try softUnlinkEdge(
            request.dirId, &directory, request.oldName, request.oldCreationTime, request.targetId, keepingFile: false,
            time)
        let created = try createEdge(request.dirId, &directory, request.newName, request.targetId, entry)
        try state.putDirectory(request.dirId, directory)
        return created
    }

    /// SAME_DIRECTORY_RENAME_SNAPSHOT: a file that only history keeps gets a name again.
    /// - Parameter renumbers: whether it becomes a file of its own where its file has another version by now.
    func resurrect(
        _ request: SameDirectoryRenameSnapshotRequest, _ entry: ShardLogEntry, renumbers: Bool
    ) throws(ShardFailure) -> SameDirectoryRenameSnapshotResponse {
        var directory = try modifiedLive(request.dirId, entry.time)
        guard var past = try state.snapshotEdge(request.dirId, request.oldName, request.oldCreationTime) else {
            throw .refused(.edgeNotFound)
        }
        guard past.target.id == request.targetId else { throw .refused(.mismatchingTarget) }
        guard past.isOwned else { throw .refused(.edgeNotOwned) }
        let created = try createEdge(request.dirId, &directory, request.newName, request.targetId, entry)
        past = SnapshotEdgeRecord(target: past.target.id, isOwned: false)
        try state.putSnapshotEdge(
            request.dirId, NameHash(of: request.oldName), request.oldName, request.oldCreationTime, past)
        try state.putDirectory(request.dirId, directory)
        if renumbers, !Mutation.versionsComeBackAsTheirFile.isPlanted { try renumber(request.targetId) }
        return SameDirectoryRenameSnapshotResponse(newCreationTime: created)
    }

    /// SET_TIME: the top bit of each time says whether it is to be set.
    func setTime(_ request: SetTimeRequest, _ entry: ShardLogEntry) throws(ShardFailure) -> SetTimeResponse {
        var record = try linkedFile(request.id)
        record.setTimes(request.mtime, request.atime)
        // Who reads sets the other time now and then, which is no change.
        let isChange = InodeAttributeChange.time(request.mtime) != nil || Mutation.readsAreChanges.isPlanted
        if entry.keepsAttributes, isChange {
            record.attributes.changed = entry.time
        }
        try state.putFile(request.id, record, wasTransient: false)
        return SetTimeResponse()
    }

    /// SCRAP_TRANSIENT_FILE
    func scrap(_ request: ScrapTransientFileRequest, _ entry: ShardLogEntry) throws(ShardFailure)
        -> ScrapTransientFileResponse
    {
        var record = try transientFile(request.id)
        guard record.supersededVersion == nil else { throw .refused(.fileNotFound) }
        record.deadline = entry.now
        record.fate = .doomed
        record.holes = 0
        try state.putTransientFile(request.id, record)
        return ScrapTransientFileResponse()
    }
}
