import Protocol

extension ShardCore {
    /// The entry that makes this shard. To be proposed when `isInitialised` is false and the log is empty.
    public func prepareGenesis(_ genesis: ShardGenesis, at now: Timestamp) -> ShardLogEntry {
        entry(.genesis(genesis), at: stamp(now))
    }

    /// Turns a write request into a log entry: refuses what can be refused without looking at the order of things,
    /// picks block services, checks proofs, and stamps a time after all earlier ones (metadata.md B, the "P" checks).
    ///
    /// - Parameters:
    ///   - request: any write request but SHARD_SNAPSHOT, which is not an entry of the log; others are refused with
    ///     UNRECOGNIZED_REQUEST.
    ///   - isPrivileged: whether it came in a signed frame; otherwise what only the coordinator may ask is refused.
    ///   - requestID: the id in the packet, by which late copies are told; nil when there can be none.
    ///   - now: the wall clock.
    public func prepare(
        _ request: AnyShardRequest, isPrivileged: Bool = false, requestID: UInt64? = nil, at now: Timestamp
    ) throws(ShardFailure) -> ShardLogEntry {
        guard isPrivileged || !request.kind.isPrivileged else { throw .refused(.notAuthorised) }
        guard let identity = state.identity else { throw .refused(.internalError) }
        if case .executeOnce(let envelope) = request { return try prepareOnce(envelope, at: now) }
        var entry = try prepare(request, identity, isPrivileged: isPrivileged, at: now)
        if let requestID, request.kind.isHarmfulLate { entry.repetition = .request(try RequestKey(requestID, request)) }
        return entry
    }

    private func prepare(
        _ request: AnyShardRequest, _ identity: ShardIdentity, isPrivileged: Bool, at now: Timestamp
    ) throws(ShardFailure) -> ShardLogEntry {
        switch request {
        case .constructFile(let request): try checkTransient(request.type)
        case .constructFiles(let request):
            try checkTransient(request.type)
            guard (1...Self.mostFilesOfARequest).contains(request.count) else { throw .refused(.malformedRequest) }
        case .addSpanInitiate, .addSpanInitiateWithReference, .addSpanAtLocationInitiate:
            return try prepareNewSpan(request, identity, at: now)
        case .addSpanCertify(let request):
            try checkFile(request.fileId, request.cookie, identity)
            return entry(
                .certifySpan(try checkedProofs(request.fileId, request.byteOffset, request.proofs, of: .write)),
                at: stamp(now))
        case .removeSpanCertify(let request):
            try checkFile(request.fileId, request.cookie, identity)
            return entry(
                .certifyRemoval(try checkedProofs(request.fileId, request.byteOffset, request.proofs, of: .erase)),
                at: stamp(now))
        case .swapBlocks(let request):
            try checkPair(request.fileId1, request.fileId2)
            return entry(.swapBlocks(request, try domains(around: request)), at: stamp(now))
        case .addInlineSpan(let request): try check(request, identity)
        case .linkFile(let request): try check(request, identity)
        case .linkFileWithSpan(let request):
            try check(request.span, identity)
            try check(request.link, identity)
        case .linkFileIfUnchanged(let request): try check(request.link, identity)
        case .publishFile(let request):
            try check(request, identity)
            return entry(.publish(request, graceNanoseconds: graceOfSuperseded), at: stamp(now))
        case .publishFileWithAttributes(let request):
            try check(request, identity)
            return entry(.publishWithAttributes(request, graceNanoseconds: graceOfSuperseded), at: stamp(now))
        case .certifyAndPublish(let request):
            try check(request.publication, identity)
            let file = request.publication.publication.fileId
            let proofs = try checkedProofs(file, request.byteOffset, request.proofs, of: .write)
            let publication = ShardLogEntry.Action.publishWithAttributes(
                request.publication, graceNanoseconds: graceOfSuperseded, certifying: proofs)
            return entry(publication, at: stamp(now))
        case .softUnlinkFile(let request): try check(request)
        case .sameDirectoryRename(let request):
            try check(request)
            return entry(.rename(request), at: stamp(now))
        case .renameWithAttributes(let request): try check(request.rename)
        case .sameDirectoryRenameSnapshot(let request):
            try check(request)
            return entry(.bringBack(request), at: stamp(now))
        case .setDirectoryInfo(let request): try check(request)
        case .setTime(let request): try checkFile(request.id)
        case .setAttributes(let request): try check(request)
        case .addSpanLocation(let request): try checkPair(request.fileId1, request.fileId2)
        case .scrapTransientFile(let request):
            guard request.id.type == .file else { throw .refused(.fileIsNotTransient) }
            try checkFile(request.id, request.cookie, identity)
        case .removeNonOwnedEdge(let request): try checkDirectory(request.dirId)
        case .sameShardHardFileUnlink(let request): try check(request)
        case .removeSpanInitiate(let request): try checkFile(request.fileId, request.cookie, identity)
        case .removeInode(let request): try check(request, isPrivileged: isPrivileged)
        case .moveSpan(let request): try check(request, identity)
        case .removeZeroBlockServiceFiles: break
        case .referSpans(let request): try check(request, identity)
        case .swapSpans(let request): try checkPair(request.fileId1, request.fileId2)
        case .createDirectoryInode(let request): try check(request)
        case .createDirectoryInodeWithAttributes(let request):
            try check(request.creation)
            try check(request.change)
        case .setDirectoryOwner(let request): try check(request)
        case .createLockedCurrentEdge(let request): try check(request)
        case .lockCurrentEdge(let request): try checkDirectory(request.dirId)
        case .unlockCurrentEdge(let request): try checkDirectory(request.dirId)
        case .replaceLockedDirectoryEdge(let request): try check(request)
        case .removeOwnedSnapshotFileEdge(let request): try check(request)
        case .makeFileTransient(let request): try checkFile(request.id)
        case .removeDirectoryOwner(let request): try check(request)
        case .closeSequences(let request): try check(request)
        default: throw .refused(.unrecognizedRequest)
        }
        return entry(.request(request), at: stamp(now))
    }

    private var graceOfSuperseded: UInt64 { max(supersededGraceNanoseconds, minimumHistoryAgeNanoseconds) }

    func entry(_ action: ShardLogEntry.Action, at stamp: Stamp) -> ShardLogEntry {
        ShardLogEntry(
            time: stamp.time, clock: stamp.clock, transientLifetimeNanoseconds: transientLifetimeNanoseconds,
            minimumHistoryAgeNanoseconds: minimumHistoryAgeNanoseconds, keepsAttributes: true,
            sparedSince: sparedSince(at: stamp.clock), action: action)
    }

    /// When an entry is made.
    struct Stamp {
        /// After all earlier ones, whatever the clock says (C.2).
        let time: Timestamp
        let clock: Timestamp
    }

    func stamp(_ now: Timestamp) -> Stamp { Stamp(time: nextTime(now), clock: now) }
}
