import Protocol

// What requests are meant to do to names, told by the requests themselves: so whatever a client makes of what its user
// wants, each of its requests is held to what it says.

extension Message {
    /// The names that this request is to change, and how.
    var wantedChanges: [(place: Place, change: Intent.Change)] {
        switch body {
        case .shardRequest(let request): request.wantedChanges
        case .coordinatorRequest(let request): request.wantedChanges
        default: []
        }
    }
}

extension AnyShardRequest {
    fileprivate var wantedChanges: [(place: Place, change: Intent.Change)] {
        switch self {
        case .linkFile(let request):
            [(Place(directory: request.ownerId, name: request.name), .put(request.fileId))]
        case .linkFileWithSpan(let request):
            [(Place(directory: request.ownerId, name: request.name), .put(request.fileId))]
        case .linkFileIfUnchanged(let request):
            [
                (
                    Place(directory: request.ownerId, name: request.name),
                    .replace(request.fileId, over: request.expectedId.ifAny)
                )
            ]
        case .publishFile(let request): [request.wantedChange]
        case .publishFileWithAttributes(let request): [request.publication.wantedChange]
        case .certifyAndPublish(let request): [request.publication.publication.wantedChange]
        case .softUnlinkFile(let request):
            [
                (
                    Place(directory: request.ownerId, name: request.name),
                    .remove(Meaning(target: request.fileId, creationTime: request.creationTime))
                )
            ]
        case .sameDirectoryRename(let request): request.wantedChanges
        case .renameWithAttributes(let request): request.rename.wantedChanges
        case .sameDirectoryRenameSnapshot(let request):
            [(Place(directory: request.dirId, name: request.newName), .put(request.targetId))]
        default: []
        }
    }
}

extension AnyCdcRequest {
    fileprivate var wantedChanges: [(place: Place, change: Intent.Change)] {
        switch self {
        case .makeDirectory(let request):
            [(Place(directory: request.ownerId, name: request.name), .makeDirectory(isExclusive: false))]
        case .makeDirectoryExclusive(let request):
            [(Place(directory: request.ownerId, name: request.name), .makeDirectory(isExclusive: true))]
        case .makeDirectoryWithAttributes(let request):
            [
                (
                    Place(directory: request.ownerId, name: request.name),
                    .makeDirectory(isExclusive: request.isExclusive)
                )
            ]
        case .softUnlinkDirectory(let request):
            [
                (
                    Place(directory: request.ownerId, name: request.name),
                    .remove(Meaning(target: request.targetId, creationTime: request.creationTime))
                )
            ]
        case .renameFile(let request):
            Self.move(
                request.targetId, request.oldCreationTime,
                from: Place(directory: request.oldOwnerId, name: request.oldName),
                to: Place(directory: request.newOwnerId, name: request.newName))
        case .renameDirectory(let request):
            Self.move(
                request.targetId, request.oldCreationTime,
                from: Place(directory: request.oldOwnerId, name: request.oldName),
                to: Place(directory: request.newOwnerId, name: request.newName))
        case .replaceDirectory(let request):
            Self.move(
                request.targetId, request.oldCreationTime,
                from: Place(directory: request.oldOwnerId, name: request.oldName),
                to: Place(directory: request.newOwnerId, name: request.newName))
        default: []
        }
    }

    private static func move(
        _ target: InodeID, _ time: Timestamp, from old: Place, to new: Place
    ) -> [(place: Place, change: Intent.Change)] {
        [(old, .remove(Meaning(target: target, creationTime: time))), (new, .put(target))]
    }
}

extension SameDirectoryRenameRequest {
    fileprivate var wantedChanges: [(place: Place, change: Intent.Change)] {
        [
            (
                Place(directory: dirId, name: oldName),
                .remove(Meaning(target: targetId, creationTime: oldCreationTime))
            ),
            (Place(directory: dirId, name: newName), .put(targetId)),
        ]
    }
}

extension PublishFileRequest {
    fileprivate var wantedChange: (place: Place, change: Intent.Change) {
        (
            Place(directory: ownerId, name: name),
            isConditional ? .replace(fileId, over: expectedId.ifAny) : .put(fileId)
        )
    }
}

extension InodeID {
    fileprivate var ifAny: InodeID? { isNull ? nil : self }
}
