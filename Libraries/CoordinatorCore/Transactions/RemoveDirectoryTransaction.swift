import Protocol

/// SOFT_UNLINK_DIRECTORY (spec D.5).
///
///     begin → lockSource   ┐
///     readSource (up)…     ┴→ removeOwner → releaseSource(moved) → done
///                                ↓
///                         releaseSource(not moved) → failed
struct RemoveDirectoryTransaction: Transaction {
    let request: SoftUnlinkDirectoryRequest
    let isRecovered: Bool

    private var policies: PolicyWalk
    private var isLocked = false
    private var error: ProtocolError?

    init(_ request: SoftUnlinkDirectoryRequest, defaultInfo: DirectoryInfo, isRecovered: Bool) {
        self.request = request
        self.isRecovered = isRecovered
        policies = PolicyWalk(from: request.targetId, defaults: defaultInfo)
    }

    var loggedRequest: AnyCdcRequest? { .softUnlinkDirectory(request) }

    var startingAgain: any Transaction {
        RemoveDirectoryTransaction(request, defaultInfo: policies.defaults, isRecovered: true)
    }

    var claims: [LockClaim] {
        [.name(request.ownerId, request.name), .shared(request.ownerId), .exclusive(request.targetId)]
    }

    mutating func start(_ actions: inout TransactionActions) {
        if isRecovered {
            lockSource(&actions)
        } else {
            actions.begin()
            readPolicies(&actions)
        }
    }

    mutating func begun(_ actions: inout TransactionActions) { lockSource(&actions) }

    mutating func handle(_ answer: ShardAnswer, to step: TransactionStep, _ actions: inout TransactionActions) {
        switch step {
        case .lockSource: locked(answer, &actions)
        case .readSource:
            policies.advance(answer)
            if policies.result == nil { readPolicies(&actions) } else { removeOwner(&actions) }
        case .removeOwner: removed(answer, &actions)
        case .releaseSource: released(answer, &actions)
        case .statTarget: endUnknown(answer, &actions)
        default: actions.alarm("rmdir of \(request.targetId): answer to a step it does not have")
        }
    }

    private func readPolicies(_ actions: inout TransactionActions) {
        actions.send(.readSource, policies.request, to: policies.cursor.shard)
    }

    private func lockSource(_ actions: inout TransactionActions) {
        let lock = LockCurrentEdgeRequest(
            dirId: request.ownerId, targetId: request.targetId, creationTime: request.creationTime,
            name: request.name)
        actions.send(.lockSource, .lockCurrentEdge(lock), to: request.ownerId.shard)
    }

    private mutating func locked(_ answer: ShardAnswer, _ actions: inout TransactionActions) {
        switch answer {
        case .success:
            isLocked = true
            if isRecovered { readPolicies(&actions) } else { removeOwner(&actions) }
        case .failure(let error):
            self.error = error
            guard isRecovered else { return actions.finish(.failure(error)) }
            // Possibly everything was done before the crash, and only the record of it was lost; the directory knows.
            actions.send(
                .statTarget, .statDirectory(StatDirectoryRequest(id: request.targetId)), to: request.targetId.shard)
        }
    }

    private func removeOwner(_ actions: inout TransactionActions) {
        guard isLocked, let info = policies.result else { return }
        let remove = RemoveDirectoryOwnerRequest(dirId: request.targetId, info: info)
        actions.send(.removeOwner, .removeDirectoryOwner(remove), to: request.targetId.shard)
    }

    private mutating func removed(_ answer: ShardAnswer, _ actions: inout TransactionActions) {
        switch answer {
        case .success:
            releaseSource(wasMoved: true, &actions)
        case .failure(.directoryNotFound):
            actions.alarm("\(request.targetId) has a name but no inode; the name goes")
            releaseSource(wasMoved: true, &actions)
        case .failure(let error):
            self.error = error
            releaseSource(wasMoved: false, &actions)
        }
    }

    private func releaseSource(wasMoved: Bool, _ actions: inout TransactionActions) {
        let unlock = UnlockCurrentEdgeRequest(
            dirId: request.ownerId, name: request.name, creationTime: request.creationTime,
            targetId: request.targetId, wasMoved: wasMoved)
        actions.send(.releaseSource, .unlockCurrentEdge(unlock), to: request.ownerId.shard)
    }

    private func released(_ answer: ShardAnswer, _ actions: inout TransactionActions) {
        if case .failure(let refusal) = answer, !refusal.meansEdgeIsElsewhere {
            actions.alarm("name of directory \(request.targetId) cannot be unlocked: \(refusal)")
        }
        if let error {
            actions.finish(.failure(error))
        } else {
            let response = AnyCdcResponse.softUnlinkDirectory(SoftUnlinkDirectoryResponse())
            actions.finish(.success(response), .parents([.remove(request.targetId)]))
        }
    }

    private func endUnknown(_ answer: ShardAnswer, _ actions: inout TransactionActions) {
        let change = ParentChange(of: request.targetId, from: answer)
        if change == nil { actions.alarm("cannot find the owner of \(request.targetId): \(answer)") }
        actions.finish(.failure(error ?? .internalError), .parents(change.map { [$0] } ?? []))
    }
}
