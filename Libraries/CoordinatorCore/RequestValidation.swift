import Protocol

extension AnyCdcRequest {
    /// What can be refused without looking at any state (spec D.5 step 0, D.6).
    func validate() throws(ProtocolError) {
        switch self {
        case .makeDirectory(let request):
            try Self.requireDirectory(request.ownerId)
            try Self.requireName(request.name)
        case .makeDirectoryExclusive(let request):
            try Self.requireDirectory(request.ownerId)
            try Self.requireName(request.name)
        case .makeDirectoryWithAttributes(let request):
            try Self.requireDirectory(request.ownerId)
            try Self.requireName(request.name)
            try request.change.validate()
            // What the shard would say of the attributes themselves, before anything is begun.
            var extended: [ExtendedAttribute] = []
            try extended.apply(request.change.extended)
        case .renameFile(let request):
            guard !request.targetId.isNull else { throw .malformedRequest }
            guard request.targetId.isFile else { throw .typeIsNotDirectory }
            try Self.requireTwoDirectories(request.oldOwnerId, request.newOwnerId)
            try Self.requireName(request.oldName)
            try Self.requireName(request.newName)
        case .renameDirectory(let request):
            guard !request.targetId.isNull else { throw .malformedRequest }
            try Self.requireDirectory(request.targetId)
            try Self.requireTwoDirectories(request.oldOwnerId, request.newOwnerId)
            try Self.requireName(request.oldName)
            try Self.requireName(request.newName)
        case .replaceDirectory(let request):
            try validate(request)
        case .softUnlinkDirectory(let request):
            guard !request.targetId.isNull else { throw .malformedRequest }
            try Self.requireDirectory(request.targetId)
            try Self.requireDirectory(request.ownerId)
            guard request.targetId != .root else { throw .cannotRemoveRootDirectory }
            try Self.requireName(request.name)
        case .hardUnlinkDirectory(let request):
            try Self.requireDirectory(request.dirId)
            guard request.dirId != .root else { throw .cannotRemoveRootDirectory }
        case .crossShardHardUnlinkFile(let request):
            guard !request.targetId.isNull else { throw .malformedRequest }
            try Self.requireDirectory(request.ownerId)
            guard request.ownerId.shard != request.targetId.shard else { throw .sameShard }
            guard request.targetId.isFile else { throw .typeIsDirectory }
            try Self.requireName(request.name)
        case .cdcSnapshot, .cdcReplicaStatus, .cdcSteer:
            // The service answers these; they are no transactions.
            throw .unrecognizedRequest
        }
    }

    private func validate(_ request: ReplaceDirectoryRequest) throws(ProtocolError) {
        guard !request.targetId.isNull, !request.replacedId.isNull else { throw .malformedRequest }
        for inode in [request.targetId, request.replacedId, request.oldOwnerId, request.newOwnerId] {
            try Self.requireDirectory(inode)
        }
        try Self.requireName(request.oldName)
        try Self.requireName(request.newName)
        let isSamePlace = request.oldOwnerId == request.newOwnerId && request.oldName == request.newName
        guard !isSamePlace, request.targetId != request.replacedId else { throw .sameSourceAndDestination }
        guard request.replacedId != .root else { throw .cannotRemoveRootDirectory }
    }

    private static func requireDirectory(_ inode: InodeID) throws(ProtocolError) {
        guard inode.isDirectory else { throw .typeIsNotDirectory }
    }

    private static func requireTwoDirectories(_ old: InodeID, _ new: InodeID) throws(ProtocolError) {
        try requireDirectory(old)
        try requireDirectory(new)
        guard old != new else { throw .sameDirectories }
    }

    private static func requireName(_ name: [UInt8]) throws(ProtocolError) {
        guard EntryName.isValid(name) else { throw .badName }
    }
}
