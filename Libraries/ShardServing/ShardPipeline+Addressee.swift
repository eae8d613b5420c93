import Mutations
import Protocol
import Wire

extension AnyShardRequest {
    /// The inode by whose number a sender chooses the shard; nil for what may be asked of any shard.
    fileprivate var addressee: InodeID? {
        switch self {
        case .lookup(let request): request.dirId
        case .statFile(let request): request.id
        // The newest version of a file may be elsewhere than where its number was given.
        case .statVersion(let request): request.newest ? nil : request.id
        case .statAttributes(let request): request.newest && !request.id.isDirectory ? nil : request.id
        case .extendedAttributes(let request): request.id
        case .statTransientFile(let request): request.id
        case .statDirectory(let request): request.id
        case .readDir(let request): request.dirId
        case .fullReadDir(let request): request.dirId
        case .localFileSpans(let request): request.fileId
        case .fileSpans(let request): request.fileId
        case .addSpanInitiate(let request): request.fileId
        case .addSpanInitiateWithReference(let request): request.req.fileId
        case .addSpanAtLocationInitiate(let request): request.req.req.fileId
        case .addSpanCertify(let request): request.fileId
        case .addInlineSpan(let request): request.fileId
        case .addSpanLocation(let request): request.fileId1
        case .linkFile(let request): request.fileId
        case .linkFileWithSpan(let request): request.fileId
        case .linkFileIfUnchanged(let request): request.fileId
        case .publishFile(let request): request.fileId
        case .publishFileWithAttributes(let request): request.publication.fileId
        case .certifyAndPublish(let request): request.publication.publication.fileId
        case .referSpans(let request): request.fileId
        case .fileReferences(let request): request.fileId
        case .softUnlinkFile(let request): request.ownerId
        case .sameDirectoryRename(let request): request.dirId
        case .renameWithAttributes(let request): request.rename.dirId
        case .sameDirectoryRenameSnapshot(let request): request.dirId
        case .setDirectoryInfo(let request): request.id
        case .setTime(let request): request.id
        case .setAttributes(let request): request.id
        case .scrapTransientFile(let request): request.id
        case .removeNonOwnedEdge(let request): request.dirId
        case .sameShardHardFileUnlink(let request): request.ownerId
        case .removeSpanInitiate(let request): request.fileId
        case .removeSpanCertify(let request): request.fileId
        case .swapBlocks(let request): request.fileId1
        case .swapSpans(let request): request.fileId1
        case .moveSpan(let request): request.fileId1
        case .removeInode(let request): request.id
        case .createDirectoryInode(let request): request.id
        case .createDirectoryInodeWithAttributes(let request): request.creation.id
        case .setDirectoryOwner(let request): request.dirId
        case .createLockedCurrentEdge(let request): request.dirId
        case .lockCurrentEdge(let request): request.dirId
        case .unlockCurrentEdge(let request): request.dirId
        case .replaceLockedDirectoryEdge(let request): request.dirId
        case .removeOwnedSnapshotFileEdge(let request): request.ownerId
        case .makeFileTransient(let request): request.id
        case .removeDirectoryOwner(let request): request.dirId
        case .executeOnce(let envelope): envelope.content?.addressee
        case .constructFile, .constructFiles, .transientLifetime, .visitDirectories, .visitFiles, .visitTransientFiles,
            .blockServiceFiles, .removeZeroBlockServiceFiles, .shardSnapshot, .closeSequences,
            .shardReplicaStatus, .shardSteer:
            nil
        }
    }
}

extension ExecuteOnceRequest {
    /// Nil when it makes no sense, which the core refuses.
    fileprivate var content: AnyShardRequest? {
        guard let kind = ShardKind(rawValue: kind), kind != .executeOnce else { return nil }
        return body.withUnsafeBytes { bytes in
            var reader = WireReader(bytes)
            return try? AnyShardRequest.decode(kind: kind, from: &reader)
        }
    }
}

extension ShardPipeline {
    /// Whether a request is for another shard, which had this port before: its sender has not heard yet. An answer
    /// would be true and mislead (that there is no such file); silence makes senders ask the registry.
    func isMisdirected(_ request: AnyShardRequest) -> Bool {
        guard let addressee = request.addressee, !addressee.isNull else { return false }
        return addressee.shard != core.shard && !Mutation.foreignRequestsAreAnswered.isPlanted
    }
}
