import Mutations
import Protocol

/// RENAME_FILE and RENAME_DIRECTORY (spec D.5), with the destination unlocked *last*: as long as it is locked nobody
/// else can change it, so a transaction that starts again after a crash recognises how far it had got.
///
///     begin → lockSource  ┐
///     readNewest          ┴→ createEdge → releaseSource(moved) + setOwner → unlockEdge → done
///                               ↓
///                        releaseSource(not moved) → failed
struct RenameTransaction: Transaction {
    let request: RenameFileRequest
    private(set) var movesDirectory: Bool
    let isRecovered: Bool

    private enum Phase { case preparing, creating, moving, unlocking, rollingBack, lookingUp }
    private enum Lock {
        case asked, held
        case refused(ProtocolError)
    }
    private enum Destination {
        case asked
        case unmade(Timestamp)
        case made(Timestamp)
        case missing(ProtocolError)
    }

    private var phase = Phase.preparing
    private var lock = Lock.asked
    private var destination = Destination.asked
    private var creationTime = Timestamp.zero
    private var stepsLeft = 0
    private var error = ProtocolError.internalError

    init(_ request: RenameFileRequest, isRecovered: Bool) {
        self.request = request
        movesDirectory = false
        self.isRecovered = isRecovered
    }

    init(_ request: RenameDirectoryRequest, isRecovered: Bool) {
        self.request = RenameFileRequest(
            targetId: request.targetId, oldOwnerId: request.oldOwnerId, oldName: request.oldName,
            oldCreationTime: request.oldCreationTime, newOwnerId: request.newOwnerId, newName: request.newName)
        movesDirectory = true
        self.isRecovered = isRecovered
    }

    var loggedRequest: AnyCdcRequest? {
        guard movesDirectory else { return .renameFile(request) }
        return .renameDirectory(
            RenameDirectoryRequest(
                targetId: request.targetId, oldOwnerId: request.oldOwnerId, oldName: request.oldName,
                oldCreationTime: request.oldCreationTime, newOwnerId: request.newOwnerId, newName: request.newName))
    }

    var startingAgain: any Transaction {
        var again = RenameTransaction(request, isRecovered: true)
        again.movesDirectory = movesDirectory
        return again
    }

    var directoryMove: DirectoryMove? {
        guard movesDirectory else { return nil }
        return DirectoryMove(target: request.targetId, newOwner: request.newOwnerId)
    }

    var claims: [LockClaim] {
        var claims: [LockClaim] = [
            .name(request.oldOwnerId, request.oldName), .name(request.newOwnerId, request.newName),
            .shared(request.oldOwnerId), .shared(request.newOwnerId), .owner(of: request.targetId),
        ]
        if movesDirectory { claims.append(.shared(request.targetId)) }
        return claims
    }

    mutating func start(_ actions: inout TransactionActions) {
        readNewest(&actions)
        if !isRecovered { actions.begin() }
        if isRecovered || Mutation.beginIsNotAwaited.isPlanted { lockSource(&actions) }
    }

    mutating func begun(_ actions: inout TransactionActions) {
        if !Mutation.beginIsNotAwaited.isPlanted { lockSource(&actions) }
    }

    mutating func handle(_ answer: ShardAnswer, to step: TransactionStep, _ actions: inout TransactionActions) {
        switch step {
        case .lockSource:
            switch answer {
            case .success: lock = .held
            case .failure(.directoryNotFound): lock = .refused(.oldDirectoryNotFound)
            case .failure(let error): lock = .refused(error)
            }
            proceed(&actions)
        case .readNewest:
            destination = destinationState(answer)
            proceed(&actions)
        case .createEdge: created(answer, &actions)
        case .releaseSource where phase == .rollingBack: endRollback(answer, &actions)
        case .releaseSource, .setOwner: moved(answer, step, &actions)
        case .unlockEdge: succeed(answer, &actions)
        case .statTarget: endUnknown(answer, &actions)
        default: actions.alarm("rename of \(request.targetId): answer to a step it does not have")
        }
    }
}

// Before anything is visible.
extension RenameTransaction {
    private func readNewest(_ actions: inout TransactionActions) {
        actions.send(
            .readNewest, NewestEdge.request(request.newOwnerId, request.newName), to: request.newOwnerId.shard)
    }

    private func lockSource(_ actions: inout TransactionActions) {
        let lock = LockCurrentEdgeRequest(
            dirId: request.oldOwnerId, targetId: request.targetId, creationTime: request.oldCreationTime,
            name: request.oldName)
        actions.send(.lockSource, .lockCurrentEdge(lock), to: request.oldOwnerId.shard)
    }

    private func destinationState(_ answer: ShardAnswer) -> Destination {
        switch answer {
        case .success(.fullReadDir(let response)):
            guard let newest = NewestEdge(response) else { return .unmade(.zero) }
            // A locked edge to our target under a name that we hold the lock of is the one we made.
            if newest.isLocked && newest.target == request.targetId { return .made(newest.creationTime) }
            return .unmade(newest.creationTime)
        case .success: return .missing(.malformedResponse)
        case .failure(.directoryNotFound): return .missing(.newDirectoryNotFound)
        case .failure(let error): return .missing(error)
        }
    }

    private mutating func proceed(_ actions: inout TransactionActions) {
        switch (lock, destination) {
        case (.asked, _), (_, .asked):
            return
        case (.held, .made(let time)):
            move(time, sourceIsGone: false, &actions)
        case (.refused, .made(let time)) where isRecovered:
            // The source was moved away before the crash.
            move(time, sourceIsGone: true, &actions)
        case (.held, .unmade(let time)):
            phase = .creating
            let create = CreateLockedCurrentEdgeRequest(
                dirId: request.newOwnerId, name: request.newName, targetId: request.targetId, oldCreationTime: time)
            actions.send(.createEdge, .createLockedCurrentEdge(create), to: request.newOwnerId.shard)
        case (.held, .missing(let error)):
            rollBack(error, &actions)
        case (.refused(let error), _):
            refuse(error, &actions)
        }
    }

    private mutating func created(_ answer: ShardAnswer, _ actions: inout TransactionActions) {
        switch answer {
        case .success(.createLockedCurrentEdge(let response)):
            move(response.creationTime, sourceIsGone: false, &actions)
        case .failure(.mismatchingCreationTime):
            // The name changed since it was read, or an unanswered copy of this request made the edge.
            phase = .preparing
            destination = .asked
            actions.retry(
                .readNewest, NewestEdge.request(request.newOwnerId, request.newName), to: request.newOwnerId.shard)
        case .failure(.directoryNotFound): rollBack(.newDirectoryNotFound, &actions)
        case .failure(let error): rollBack(error, &actions)
        case .success: rollBack(.malformedResponse, &actions)
        }
    }

    /// The source edge is not what the client says.
    private mutating func refuse(_ error: ProtocolError, _ actions: inout TransactionActions) {
        guard isRecovered && movesDirectory else { return actions.finish(.failure(error)) }
        // Possibly everything was done before the crash, and only the record of it was lost; the directory knows.
        self.error = error
        phase = .lookingUp
        actions.send(
            .statTarget, .statDirectory(StatDirectoryRequest(id: request.targetId)), to: request.targetId.shard)
    }

    private func endUnknown(_ answer: ShardAnswer, _ actions: inout TransactionActions) {
        let change = ParentChange(of: request.targetId, from: answer)
        if change == nil { actions.alarm("cannot find the owner of \(request.targetId): \(answer)") }
        actions.finish(.failure(error), .parents(change.map { [$0] } ?? []))
    }

    private mutating func rollBack(_ error: ProtocolError, _ actions: inout TransactionActions) {
        phase = .rollingBack
        self.error = error
        if Mutation.rollbackKeepsLock.isPlanted { return actions.finish(.failure(error)) }
        releaseSource(wasMoved: false, &actions)
    }

    private func endRollback(_ answer: ShardAnswer, _ actions: inout TransactionActions) {
        if case .failure(let refusal) = answer, !refusal.meansEdgeIsElsewhere {
            actions.alarm("source of the refused rename of \(request.targetId) cannot be unlocked: \(refusal)")
        }
        actions.finish(.failure(error))
    }

    private func releaseSource(wasMoved: Bool, _ actions: inout TransactionActions) {
        let unlock = UnlockCurrentEdgeRequest(
            dirId: request.oldOwnerId, name: request.oldName, creationTime: request.oldCreationTime,
            targetId: request.targetId, wasMoved: wasMoved)
        actions.send(.releaseSource, .unlockCurrentEdge(unlock), to: request.oldOwnerId.shard)
    }
}

// From here on the rename will happen, whatever crashes.
extension RenameTransaction {
    private mutating func move(_ time: Timestamp, sourceIsGone: Bool, _ actions: inout TransactionActions) {
        phase = .moving
        creationTime = time
        if Mutation.destinationIsUnlockedFirst.isPlanted { unlockDestination(&actions) }
        if !sourceIsGone {
            stepsLeft += 1
            releaseSource(wasMoved: true, &actions)
        }
        if movesDirectory {
            stepsLeft += 1
            let set = SetDirectoryOwnerRequest(dirId: request.targetId, ownerId: request.newOwnerId)
            actions.send(.setOwner, .setDirectoryOwner(set), to: request.targetId.shard)
        }
        if stepsLeft == 0 { unlockDestination(&actions) }
    }

    private mutating func moved(_ answer: ShardAnswer, _ step: TransactionStep, _ actions: inout TransactionActions) {
        if case .failure(let refusal) = answer, step == .setOwner || !refusal.meansEdgeIsElsewhere {
            actions.alarm("rename of \(request.targetId) cannot finish \(step): \(refusal)")
        }
        stepsLeft -= 1
        if stepsLeft == 0 { unlockDestination(&actions) }
    }

    private mutating func unlockDestination(_ actions: inout TransactionActions) {
        phase = .unlocking
        let unlock = UnlockCurrentEdgeRequest(
            dirId: request.newOwnerId, name: request.newName, creationTime: creationTime,
            targetId: request.targetId, wasMoved: false)
        actions.send(.unlockEdge, .unlockCurrentEdge(unlock), to: request.newOwnerId.shard)
    }

    private func succeed(_ answer: ShardAnswer, _ actions: inout TransactionActions) {
        if case .failure(let refusal) = answer, !refusal.meansEdgeIsElsewhere {
            actions.alarm("destination of the rename of \(request.targetId) cannot be unlocked: \(refusal)")
        }
        if movesDirectory {
            actions.finish(
                .success(.renameDirectory(RenameDirectoryResponse(creationTime: creationTime))),
                .parents([.set(request.targetId, owner: request.newOwnerId)]))
        } else {
            actions.finish(.success(.renameFile(RenameFileResponse(creationTime: creationTime))))
        }
    }
}
