import Protocol

/// REPLACE_DIRECTORY: RENAME_DIRECTORY to the name of an empty directory (F-18).
///
///     begin → lockSource      ┐
///             lockDestination ┼→ removeOwner → replaceEdge → releaseSource(moved) + setOwner → unlockEdge → done
///     readSource (up)…        ┘      ↓
///                          releaseSource + releaseDestination → failed
///
/// Only the shard of the directory that is replaced knows whether it is empty, and says so by taking its owner away, as
/// in rmdir; with both edges locked, nothing can go wrong from there on. The destination is unlocked last, as in
/// RenameTransaction and for its reason.
struct ReplaceDirectoryTransaction: Transaction {
    let request: ReplaceDirectoryRequest
    let isRecovered: Bool

    private enum Source {
        case asked, held
        case refused(ProtocolError)
    }
    private enum Destination {
        case asked, held
        /// It points to the target already.
        case replaced(Timestamp)
        case refused(ProtocolError)
    }

    private var source = Source.asked
    private var destination = Destination.asked
    private var policies: PolicyWalk
    private var isEmptied = false
    private var creationTime = Timestamp.zero
    private var stepsLeft = 0
    private var error: ProtocolError?
    private var changes: [ParentChange] = []

    init(_ request: ReplaceDirectoryRequest, defaultInfo: DirectoryInfo, isRecovered: Bool) {
        self.request = request
        self.isRecovered = isRecovered
        policies = PolicyWalk(from: request.replacedId, defaults: defaultInfo)
    }

    var loggedRequest: AnyCdcRequest? { .replaceDirectory(request) }

    var startingAgain: any Transaction {
        ReplaceDirectoryTransaction(request, defaultInfo: policies.defaults, isRecovered: true)
    }

    var directoryMove: DirectoryMove? {
        DirectoryMove(target: request.targetId, newOwner: request.newOwnerId)
    }

    private var changesOwner: Bool { request.oldOwnerId != request.newOwnerId }

    var claims: [LockClaim] {
        [
            .name(request.oldOwnerId, request.oldName), .name(request.newOwnerId, request.newName),
            .shared(request.oldOwnerId), .shared(request.newOwnerId), .owner(of: request.targetId),
            .shared(request.targetId), .exclusive(request.replacedId),
        ]
    }

    mutating func start(_ actions: inout TransactionActions) {
        readPolicies(&actions)
        if isRecovered { lockBoth(&actions) } else { actions.begin() }
    }

    mutating func begun(_ actions: inout TransactionActions) { lockBoth(&actions) }

    mutating func handle(_ answer: ShardAnswer, to step: TransactionStep, _ actions: inout TransactionActions) {
        switch step {
        case .lockSource: sourceLocked(answer, &actions)
        case .lockDestination: destinationLocked(answer, &actions)
        case .readNewest: destinationRead(answer, &actions)
        case .readSource:
            policies.advance(answer)
            if policies.result == nil { readPolicies(&actions) } else { removeOwner(&actions) }
        case .removeOwner: emptied(answer, &actions)
        case .replaceEdge: replaced(answer, &actions)
        case .releaseSource where error != nil, .releaseDestination: rolledBack(answer, step, &actions)
        case .releaseSource, .setOwner: moved(answer, step, &actions)
        case .unlockEdge: succeed(answer, &actions)
        case .statTarget: learnOwner(of: request.targetId, answer, &actions)
        case .statReplaced: learnOwner(of: request.replacedId, answer, &actions)
        default: actions.alarm("replacing of \(request.replacedId): answer to a step it does not have")
        }
    }
}

// Before anything has happened that cannot be undone.
extension ReplaceDirectoryTransaction {
    private func readPolicies(_ actions: inout TransactionActions) {
        actions.send(.readSource, policies.request, to: policies.cursor.shard)
    }

    private func lockBoth(_ actions: inout TransactionActions) {
        let source = LockCurrentEdgeRequest(
            dirId: request.oldOwnerId, targetId: request.targetId, creationTime: request.oldCreationTime,
            name: request.oldName)
        actions.send(.lockSource, .lockCurrentEdge(source), to: request.oldOwnerId.shard)
        let destination = LockCurrentEdgeRequest(
            dirId: request.newOwnerId, targetId: request.replacedId, creationTime: request.replacedCreationTime,
            name: request.newName)
        actions.send(.lockDestination, .lockCurrentEdge(destination), to: request.newOwnerId.shard)
    }

    private mutating func sourceLocked(_ answer: ShardAnswer, _ actions: inout TransactionActions) {
        switch answer {
        case .success: source = .held
        case .failure(.directoryNotFound): source = .refused(.oldDirectoryNotFound)
        case .failure(let error): source = .refused(error)
        }
        proceed(&actions)
    }

    private mutating func destinationLocked(_ answer: ShardAnswer, _ actions: inout TransactionActions) {
        switch answer {
        case .success: destination = .held
        case .failure(.directoryNotFound): destination = .refused(.newDirectoryNotFound)
        case .failure(let error):
            destination = .refused(error)
            if isRecovered {
                // Perhaps it was replaced before the crash.
                destination = .asked
                actions.send(
                    .readNewest, NewestEdge.request(request.newOwnerId, request.newName), to: request.newOwnerId.shard)
            }
        }
        proceed(&actions)
    }

    private mutating func destinationRead(_ answer: ShardAnswer, _ actions: inout TransactionActions) {
        switch answer {
        case .success(.fullReadDir(let response)):
            // A locked edge to our target under a name that we hold the lock of is the one we made.
            if let newest = NewestEdge(response), newest.isLocked, newest.target == request.targetId {
                destination = .replaced(newest.creationTime)
            } else {
                destination = .refused(.edgeNotFound)
            }
        case .success: destination = .refused(.malformedResponse)
        case .failure(let error): destination = .refused(error)
        }
        proceed(&actions)
    }

    private mutating func proceed(_ actions: inout TransactionActions) {
        switch (source, destination) {
        case (.asked, _), (_, .asked): return
        case (.held, .held): removeOwner(&actions)
        case (.held, .replaced(let time)): move(time, sourceIsGone: false, &actions)
        case (.refused, .replaced(let time)): move(time, sourceIsGone: true, &actions)
        case (.refused(let error), _), (.held, .refused(let error)): rollBack(error, &actions)
        }
    }

    /// Once both edges are locked and the policies are known.
    private func removeOwner(_ actions: inout TransactionActions) {
        guard case (.held, .held) = (source, destination), let info = policies.result else { return }
        let remove = RemoveDirectoryOwnerRequest(dirId: request.replacedId, info: info)
        actions.send(.removeOwner, .removeDirectoryOwner(remove), to: request.replacedId.shard)
    }

    private mutating func emptied(_ answer: ShardAnswer, _ actions: inout TransactionActions) {
        switch answer {
        case .success: replaceEdge(&actions)
        case .failure(.directoryNotFound):
            actions.alarm("\(request.replacedId) has a name but no inode; the name is given away")
            replaceEdge(&actions)
        case .failure(let error): rollBack(error, &actions)
        }
    }

    private mutating func rollBack(_ error: ProtocolError, _ actions: inout TransactionActions) {
        guard self.error == nil else { return }
        self.error = error
        if case .held = source {
            stepsLeft += 1
            releaseSource(wasMoved: false, &actions)
        }
        if case .held = destination {
            stepsLeft += 1
            // A directory that has lost its owner already must not keep its name.
            let unlock = UnlockCurrentEdgeRequest(
                dirId: request.newOwnerId, name: request.newName, creationTime: request.replacedCreationTime,
                targetId: request.replacedId, wasMoved: isEmptied)
            actions.send(.releaseDestination, .unlockCurrentEdge(unlock), to: request.newOwnerId.shard)
        }
        if stepsLeft == 0 { endRollback(&actions) }
    }

    private mutating func rolledBack(
        _ answer: ShardAnswer, _ step: TransactionStep, _ actions: inout TransactionActions
    ) {
        if case .failure(let refusal) = answer, !refusal.meansEdgeIsElsewhere {
            actions.alarm("refused replacing of \(request.replacedId) cannot finish \(step): \(refusal)")
        }
        stepsLeft -= 1
        if stepsLeft == 0 { endRollback(&actions) }
    }

    private mutating func endRollback(_ actions: inout TransactionActions) {
        guard isRecovered, case .refused = source, case .refused = destination else {
            return actions.finish(.failure(error ?? .internalError), .parents(changes))
        }
        // Possibly everything was done before the crash, and only the record of it was lost; the directories know.
        stepsLeft = 2
        for (step, id) in [(TransactionStep.statTarget, request.targetId), (.statReplaced, request.replacedId)] {
            actions.send(step, .statDirectory(StatDirectoryRequest(id: id)), to: id.shard)
        }
    }

    private mutating func learnOwner(
        of directory: InodeID, _ answer: ShardAnswer, _ actions: inout TransactionActions
    ) {
        if let change = ParentChange(of: directory, from: answer) {
            changes.append(change)
        } else {
            actions.alarm("cannot find the owner of \(directory): \(answer)")
        }
        stepsLeft -= 1
        if stepsLeft == 0 { actions.finish(.failure(error ?? .internalError), .parents(changes)) }
    }

    private func releaseSource(wasMoved: Bool, _ actions: inout TransactionActions) {
        let unlock = UnlockCurrentEdgeRequest(
            dirId: request.oldOwnerId, name: request.oldName, creationTime: request.oldCreationTime,
            targetId: request.targetId, wasMoved: wasMoved)
        actions.send(.releaseSource, .unlockCurrentEdge(unlock), to: request.oldOwnerId.shard)
    }
}

// The old directory is gone: from here on the rename will happen, whatever crashes.
extension ReplaceDirectoryTransaction {
    private mutating func replaceEdge(_ actions: inout TransactionActions) {
        isEmptied = true
        changes = [.remove(request.replacedId)]
        let replace = ReplaceLockedDirectoryEdgeRequest(
            dirId: request.newOwnerId, name: request.newName, creationTime: request.replacedCreationTime,
            targetId: request.replacedId, newTargetId: request.targetId)
        actions.send(.replaceEdge, .replaceLockedDirectoryEdge(replace), to: request.newOwnerId.shard)
    }

    private mutating func replaced(_ answer: ShardAnswer, _ actions: inout TransactionActions) {
        switch answer {
        case .success(.replaceLockedDirectoryEdge(let response)):
            move(response.creationTime, sourceIsGone: false, &actions)
        case .failure(let error):
            actions.alarm("\(request.replacedId) lost its owner, but its name cannot be given away: \(error)")
            rollBack(error, &actions)
        case .success: rollBack(.malformedResponse, &actions)
        }
    }

    private mutating func move(_ time: Timestamp, sourceIsGone: Bool, _ actions: inout TransactionActions) {
        creationTime = time
        if !sourceIsGone {
            stepsLeft += 1
            releaseSource(wasMoved: true, &actions)
        }
        if changesOwner {
            stepsLeft += 1
            let set = SetDirectoryOwnerRequest(dirId: request.targetId, ownerId: request.newOwnerId)
            actions.send(.setOwner, .setDirectoryOwner(set), to: request.targetId.shard)
        }
        if stepsLeft == 0 { unlockDestination(&actions) }
    }

    private mutating func moved(_ answer: ShardAnswer, _ step: TransactionStep, _ actions: inout TransactionActions) {
        if case .failure(let refusal) = answer, step == .setOwner || !refusal.meansEdgeIsElsewhere {
            actions.alarm("replacing of \(request.replacedId) cannot finish \(step): \(refusal)")
        }
        stepsLeft -= 1
        if stepsLeft == 0 { unlockDestination(&actions) }
    }

    private func unlockDestination(_ actions: inout TransactionActions) {
        let unlock = UnlockCurrentEdgeRequest(
            dirId: request.newOwnerId, name: request.newName, creationTime: creationTime,
            targetId: request.targetId, wasMoved: false)
        actions.send(.unlockEdge, .unlockCurrentEdge(unlock), to: request.newOwnerId.shard)
    }

    private func succeed(_ answer: ShardAnswer, _ actions: inout TransactionActions) {
        if case .failure(let refusal) = answer, !refusal.meansEdgeIsElsewhere {
            actions.alarm("destination of the rename of \(request.targetId) cannot be unlocked: \(refusal)")
        }
        let response = AnyCdcResponse.replaceDirectory(ReplaceDirectoryResponse(creationTime: creationTime))
        actions.finish(
            .success(response),
            .parents([.set(request.targetId, owner: request.newOwnerId), .remove(request.replacedId)]))
    }
}
