import Protocol

// What can be refused by looking at a request alone, in the order of metadata.md B.9–B.14.

extension ShardCore {
    /// A file or symlink of this shard.
    func checkFile(_ id: InodeID) throws(ShardFailure) {
        guard id.isFile else { throw .refused(.typeIsDirectory) }
        guard isMine(id) else { throw .refused(.badShard) }
    }

    /// A file or symlink of this shard, and the cookie that belongs to it.
    func checkFile(_ id: InodeID, _ cookie: Cookie, _ identity: ShardIdentity) throws(ShardFailure) {
        try checkFile(id)
        try checkCookie(id, cookie, identity)
    }

    /// What can be made without a name.
    func checkTransient(_ type: InodeType) throws(ShardFailure) {
        guard type == .file || type == .symlink else { throw .refused(.typeIsDirectory) }
    }

    /// How many files one request makes: the answer has to fit the smallest datagram.
    static let mostFilesOfARequest: UInt8 = 64

    func checkCookie(_ id: InodeID, _ cookie: Cookie, _ identity: ShardIdentity) throws(ShardFailure) {
        guard id.isFile else { throw .refused(.typeIsDirectory) }
        guard secrets.cookie(of: id, identity) == cookie else { throw .refused(.badCookie) }
    }

    /// A directory of this shard.
    func checkDirectory(_ id: InodeID) throws(ShardFailure) {
        guard id.isDirectory else { throw .refused(.typeIsNotDirectory) }
        guard isMine(id) else { throw .refused(.badShard) }
    }

    /// Two different files of this shard, between which blocks or spans move.
    func checkPair(_ first: InodeID, _ second: InodeID) throws(ShardFailure) {
        guard first.isFile, second.isFile else { throw .refused(.typeIsDirectory) }
        guard isMine(first), isMine(second) else { throw .refused(.badShard) }
        guard first != second else { throw .refused(.malformedRequest) }
    }

    func checkName(_ name: [UInt8]) throws(ShardFailure) {
        guard EntryName.isValid(name) else { throw .refused(.badName) }
    }

    func check(_ request: AddInlineSpanRequest, _ identity: ShardIdentity) throws(ShardFailure) {
        try checkFile(request.fileId, request.cookie, identity)
        switch request.storageClass {
        case .empty:
            guard request.size == 0, request.body.isEmpty else { throw .refused(.badSpanBody) }
        case .inline:
            guard !request.body.isEmpty, Int(request.size) >= request.body.count else { throw .refused(.badSpanBody) }
        default: throw .refused(.badSpanBody)
        }
        guard Self.isPageAligned(request.byteOffset) else { throw .refused(.badSpanBody) }
        let padding = Int64(request.size) - Int64(request.body.count)
        guard CRC32C(of: request.body).zeroExtended(by: padding) == request.crc else { throw .refused(.badSpanBody) }
    }

    /// Where a span may begin (A.7).
    static func isPageAligned(_ byteOffset: UInt64) -> Bool {
        byteOffset % UInt64(SpanLimits.pageSize) == 0
    }

    func check(_ request: LinkFileRequest, _ identity: ShardIdentity) throws(ShardFailure) {
        guard request.ownerId.isDirectory else { throw .refused(.typeIsNotDirectory) }
        guard isMine(request.ownerId), isMine(request.fileId) else { throw .refused(.badShard) }
        try checkCookie(request.fileId, request.cookie, identity)
        try checkName(request.name)
    }

    func check(_ request: PublishFileRequest, _ identity: ShardIdentity) throws(ShardFailure) {
        try check(request.span, identity)
        try check(request.link, identity)
        guard request.number.isNull || request.number.isFile else { throw .refused(.typeIsDirectory) }
    }

    func check(
        _ request: PublishFileWithAttributesRequest, _ identity: ShardIdentity
    ) throws(ShardFailure) {
        try check(request.publication, identity)
        try check(request.change)
        guard request.otherwise.isPossible else { throw .refused(.malformedRequest) }
        guard request.kind.isDevice || request.device == 0 else { throw .refused(.malformedRequest) }
        guard request.kind == .none || request.publication.fileId.type == .file else {
            throw .refused(.malformedRequest)
        }
    }

    func check(_ request: SetAttributesRequest) throws(ShardFailure) {
        if request.id.isDirectory { try checkDirectory(request.id) } else { try checkFile(request.id) }
        try check(request.change)
    }

    func check(_ change: InodeAttributeChange) throws(ShardFailure) {
        do throws(ProtocolError) {
            try change.validate()
        } catch {
            throw .refused(error)
        }
    }

    func check(_ request: SoftUnlinkFileRequest) throws(ShardFailure) {
        guard request.ownerId.isDirectory else { throw .refused(.typeIsNotDirectory) }
        guard request.fileId.isFile else { throw .refused(.typeIsDirectory) }
        guard isMine(request.ownerId) else { throw .refused(.badShard) }
    }

    func check(_ request: SameDirectoryRenameRequest) throws(ShardFailure) {
        guard request.dirId.isDirectory else { throw .refused(.typeIsNotDirectory) }
        guard request.oldName != request.newName else { throw .refused(.sameSourceAndDestination) }
        try checkName(request.newName)
        guard isMine(request.dirId) else { throw .refused(.badShard) }
    }

    func check(_ request: SameDirectoryRenameSnapshotRequest) throws(ShardFailure) {
        guard request.dirId.isDirectory else { throw .refused(.typeIsNotDirectory) }
        try checkName(request.newName)
        guard isMine(request.dirId) else { throw .refused(.badShard) }
    }

    func check(_ request: MoveSpanRequest, _ identity: ShardIdentity) throws(ShardFailure) {
        guard request.fileId1.isFile, request.fileId2.isFile else { throw .refused(.typeIsDirectory) }
        guard isMine(request.fileId1), isMine(request.fileId2) else { throw .refused(.badShard) }
        try checkCookie(request.fileId1, request.cookie1, identity)
        try checkCookie(request.fileId2, request.cookie2, identity)
        guard request.fileId1 != request.fileId2, Self.isPageAligned(request.byteOffset2) else {
            throw .refused(.badSpanBody)
        }
    }

    func check(_ request: ReferSpansRequest, _ identity: ShardIdentity) throws(ShardFailure) {
        try checkFile(request.sourceId)
        try checkFile(request.fileId, request.cookie, identity)
        guard request.fileId != request.sourceId else { throw .refused(.sameSourceAndDestination) }
        guard Self.isPageAligned(request.byteOffset), Self.isPageAligned(request.sourceOffset) else {
            throw .refused(.badSpanBody)
        }
    }

    func check(_ request: SameShardHardFileUnlinkRequest) throws(ShardFailure) {
        guard request.ownerId.isDirectory else { throw .refused(.typeIsNotDirectory) }
        guard request.targetId.isFile else { throw .refused(.typeIsDirectory) }
        guard isMine(request.ownerId), isMine(request.targetId) else { throw .refused(.badShard) }
    }

    func check(_ request: RemoveInodeRequest, isPrivileged: Bool) throws(ShardFailure) {
        guard isMine(request.id) else { throw .refused(.badShard) }
        guard request.id != .root else { throw .refused(.cannotRemoveRootDirectory) }
        guard !request.id.isNull else { throw .refused(.malformedRequest) }
        // A directory may be in the hands of a transaction, which only the coordinator knows of.
        guard isPrivileged || !request.id.isDirectory else { throw .refused(.notAuthorised) }
    }
}
