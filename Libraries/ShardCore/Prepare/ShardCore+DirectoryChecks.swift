import Protocol

extension ShardCore {
    /// What the coordinator writes when a directory loses its owner: four resolved policies at most, and unknown tags.
    static let resolvedDirectoryInfoLimit = 2 * DirectoryInfo.maximumSize

    func check(_ request: SetDirectoryInfoRequest) throws(ShardFailure) {
        try checkDirectory(request.id)
        do throws(DirectoryInfoProblem) {
            try request.info.validate(isRoot: request.id == .root)
        } catch {
            throw .refused(.badDirectoryInfo)
        }
        guard isPlaceable(request.info) else { throw .refused(.badDirectoryInfo) }
    }

    func check(_ request: CreateDirectoryInodeRequest) throws(ShardFailure) {
        guard isMine(request.id) else { throw .refused(.badShard) }
        guard request.id.isDirectory, request.ownerId.isDirectory else { throw .refused(.typeIsNotDirectory) }
        guard request.info.encodedSize <= Self.resolvedDirectoryInfoLimit else { throw .refused(.badDirectoryInfo) }
    }

    func check(_ request: SetDirectoryOwnerRequest) throws(ShardFailure) {
        try checkDirectory(request.dirId)
        guard request.ownerId.isDirectory else { throw .refused(.typeIsNotDirectory) }
        guard request.dirId != .root else { throw .refused(.cannotRemoveRootDirectory) }
    }

    func check(_ request: RemoveDirectoryOwnerRequest) throws(ShardFailure) {
        try checkDirectory(request.dirId)
        guard request.dirId != .root else { throw .refused(.cannotRemoveRootDirectory) }
        guard request.info.encodedSize <= Self.resolvedDirectoryInfoLimit else { throw .refused(.badDirectoryInfo) }
    }

    func check(_ request: CreateLockedCurrentEdgeRequest) throws(ShardFailure) {
        try checkDirectory(request.dirId)
        try checkName(request.name)
        guard !request.targetId.isNull else { throw .refused(.malformedRequest) }
    }

    func check(_ request: ReplaceLockedDirectoryEdgeRequest) throws(ShardFailure) {
        try checkDirectory(request.dirId)
        try checkName(request.name)
        guard request.targetId.isDirectory, request.newTargetId.isDirectory else {
            throw .refused(.typeIsNotDirectory)
        }
        guard request.targetId != request.newTargetId else { throw .refused(.sameSourceAndDestination) }
    }

    func check(_ request: RemoveOwnedSnapshotFileEdgeRequest) throws(ShardFailure) {
        try checkDirectory(request.ownerId)
        guard request.targetId.isFile else { throw .refused(.typeIsDirectory) }
    }

    /// Whether the cluster has a failure domain for each block that the policies ask for. Before the first list of
    /// block services has come there is nothing to compare with.
    private func isPlaceable(_ info: DirectoryInfo) -> Bool {
        let domains = blockServices.failureDomainCount
        guard domains > 0, let policy = (try? info.policy(SpanPolicy.self)) ?? nil else { return true }
        return policy.entries.allSatisfy { $0.parity.blocks <= domains }
    }
}

/// Bounds of a span that is stored in blocks (metadata.md 0.4).
enum SpanLimits {
    /// Bytes, inclusive; also the bound of a block.
    static let maximumSpanSize = DirectoryInfo.maximumSpanSize
    static let stripes: ClosedRange<UInt8> = 1...15
    static let pageSize: UInt32 = 4096
}
