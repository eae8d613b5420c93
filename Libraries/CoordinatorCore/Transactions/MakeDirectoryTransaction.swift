import Protocol

/// MAKE_DIRECTORY (spec D.5). Its id was reserved in the log, and from the id recovery finds the inode, from the inode
/// the owner, and there the edge, if any (DirectoryRecovery). A record, made durable beside the inode and before the
/// edge, says whose directory it is: its maker, asking again after a crash, must be told of this one, even if it has
/// been removed meanwhile, and not be made another (F-1).
///
/// MAKE_DIRECTORY_EXCLUSIVE is the same, but does not take an existing directory for its own;
/// MAKE_DIRECTORY_WITH_ATTRIBUTES is either, and has more to say to the shard that makes the inode.
///
///     readNewest → createInode (+ begin) → createEdge → unlockEdge → done
///                                             ↓
///                                        removeOwner → failed
struct MakeDirectoryTransaction: Transaction {
    let owner: InodeID
    let making: DirectoryMaking
    let defaultInfo: DirectoryInfo

    private var directory = InodeID.null
    /// The record is durable.
    private var hasBegun = false
    private var hasInode = false
    private var oldCreationTime = Timestamp.zero
    private var creationTime = Timestamp.zero
    private var ending: Result<AnyCdcResponse, ProtocolError>?

    init(in owner: InodeID, _ making: DirectoryMaking, defaultInfo: DirectoryInfo) {
        self.owner = owner
        self.making = making
        self.defaultInfo = defaultInfo
    }

    private var name: [UInt8] { making.name }

    var loggedRequest: AnyCdcRequest? { making.request(in: owner) }

    var loggedDirectory: InodeID { directory }

    var answerMustLast: Bool { true }

    var startingAgain: any Transaction {
        DirectoryRecovery(of: directory, making: making, defaultInfo: defaultInfo)
    }

    var claims: [LockClaim] { [.name(owner, name), .shared(owner)] }

    mutating func start(_ actions: inout TransactionActions) {
        actions.send(.readNewest, NewestEdge.request(owner, name), to: owner.shard)
    }

    mutating func allocated(_ directory: InodeID, _ actions: inout TransactionActions) {
        self.directory = directory
        actions.begin()
        actions.send(.createInode, making.creation(of: directory, in: owner), to: directory.shard)
    }

    mutating func begun(_ actions: inout TransactionActions) {
        hasBegun = true
        createEdge(&actions)
    }

    mutating func handle(_ answer: ShardAnswer, to step: TransactionStep, _ actions: inout TransactionActions) {
        switch (step, answer) {
        case (.readNewest, .success(.fullReadDir(let response))):
            proceed(with: NewestEdge(response), &actions)
        case (.createInode, .success):
            hasInode = true
            createEdge(&actions)
        case (.createEdge, .success(.createLockedCurrentEdge(let response))):
            unlock(response.creationTime, &actions)
        case (.createEdge, .failure(.mismatchingCreationTime)), (.createEdge, .failure(.cannotOverrideName)),
            (.createEdge, .failure(.mismatchingTarget)):
            // The name has a history, a rival, or the edge that an unanswered copy of this request made.
            actions.retry(.readNewest, NewestEdge.request(owner, name), to: owner.shard)
        case (.unlockEdge, _):
            succeed(answer, &actions)
        case (.removeOwner, _):
            endRollback(answer, &actions)
        case (_, .failure(let error)):
            fail(error, &actions)
        case (_, .success):
            fail(.malformedResponse, &actions)
        }
    }

    private mutating func proceed(with newest: NewestEdge?, _ actions: inout TransactionActions) {
        if let newest, newest.isCurrent {
            if hasInode && newest.target == directory {
                unlock(newest.creationTime, &actions)
            } else if newest.target.isDirectory && !making.isExclusive {
                // A repetition of a mkdir that succeeded must look like success.
                end(.success(making.form.made(newest.target, newest.creationTime)), &actions)
            } else {
                fail(.cannotOverrideName, &actions)
            }
            return
        }
        oldCreationTime = newest?.creationTime ?? .zero
        if hasInode {
            createEdge(&actions)
        } else {
            actions.allocateDirectory()
        }
    }

    /// Once inode and record are there.
    private func createEdge(_ actions: inout TransactionActions) {
        guard hasInode, hasBegun, ending == nil else { return }
        let request = CreateLockedCurrentEdgeRequest(
            dirId: owner, name: name, targetId: directory, oldCreationTime: oldCreationTime)
        actions.send(.createEdge, .createLockedCurrentEdge(request), to: owner.shard)
    }

    private mutating func unlock(_ creationTime: Timestamp, _ actions: inout TransactionActions) {
        self.creationTime = creationTime
        let request = UnlockCurrentEdgeRequest(
            dirId: owner, name: name, creationTime: creationTime, targetId: directory, wasMoved: false)
        actions.send(.unlockEdge, .unlockCurrentEdge(request), to: owner.shard)
    }

    private func succeed(_ answer: ShardAnswer, _ actions: inout TransactionActions) {
        if case .failure(let error) = answer, !error.meansEdgeIsElsewhere {
            actions.alarm("directory \(directory) was made in \(owner), but its edge cannot be unlocked: \(error)")
        }
        let response = making.form.made(directory, creationTime)
        actions.finish(.success(response), .directoryMade(directory, owner: owner))
    }

    private mutating func fail(_ error: ProtocolError, _ actions: inout TransactionActions) {
        end(.failure(error), &actions)
    }

    /// Ends without the new directory; its inode, if it was made, becomes a snapshot that the garbage collector takes.
    /// An inode that could not be made is somebody else's (MISMATCHING_OWNER) and stays what it is.
    private mutating func end(_ result: Result<AnyCdcResponse, ProtocolError>, _ actions: inout TransactionActions) {
        guard hasInode else {
            return actions.finish(result, directory.isNull ? .none : .directoryDropped(directory))
        }
        ending = result
        let request = RemoveDirectoryOwnerRequest(dirId: directory, info: defaultInfo)
        actions.send(.removeOwner, .removeDirectoryOwner(request), to: directory.shard)
    }

    private func endRollback(_ answer: ShardAnswer, _ actions: inout TransactionActions) {
        // DIRECTORY_NOT_FOUND: the inode could not even be created.
        if case .failure(let error) = answer, error != .directoryNotFound {
            actions.alarm("unused directory \(directory) cannot be given up: \(error)")
        }
        actions.finish(ending ?? .failure(.internalError), .directoryDropped(directory))
    }
}
