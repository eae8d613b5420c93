import Protocol

/// CROSS_SHARD_HARD_UNLINK_FILE (spec D.5), after a look whether there is anything to do: a repetition that comes when
/// the edge is long gone must not touch a file that has got another name meanwhile.
///
///     readSource → begin → removeSnapshotEdge → makeTransient → done
///                              ↓ absent
///                    not recovered: done, somebody else took it away
///                    recovered: scan → file owned by another edge: done
///                                 ↓ by none: the edge was removed before the crash
///                             makeTransient → done
struct CrossShardHardUnlinkFileTransaction: Transaction {
    let request: CrossShardHardUnlinkFileRequest
    let isRecovered: Bool

    private var search: OwnedEdgeSearch

    init(_ request: CrossShardHardUnlinkFileRequest, isRecovered: Bool) {
        self.request = request
        self.isRecovered = isRecovered
        search = OwnedEdgeSearch(of: request.targetId, in: request.ownerId)
    }

    var loggedRequest: AnyCdcRequest? { .crossShardHardUnlinkFile(request) }

    var startingAgain: any Transaction { CrossShardHardUnlinkFileTransaction(request, isRecovered: true) }

    /// With its owner locked, the file can get other names in this directory only.
    var claims: [LockClaim] {
        [.name(request.ownerId, request.name), .shared(request.ownerId), .owner(of: request.targetId)]
    }

    mutating func start(_ actions: inout TransactionActions) {
        guard !isRecovered else { return removeEdge(&actions) }
        let read = FullReadDirRequest(
            dirId: request.ownerId, flags: .sameName, startName: request.name, startTime: request.creationTime,
            limit: 1, mtu: 0)
        actions.send(.readSource, .fullReadDir(read), to: request.ownerId.shard)
    }

    mutating func begun(_ actions: inout TransactionActions) { removeEdge(&actions) }

    mutating func handle(_ answer: ShardAnswer, to step: TransactionStep, _ actions: inout TransactionActions) {
        switch (step, answer) {
        case (.readSource, .success(.fullReadDir(let response))):
            check(response.results.first, &actions)
        case (.removeSnapshotEdge, .success):
            makeTransient(&actions)
        case (.removeSnapshotEdge, .failure(.edgeNotFound)):
            if isRecovered { scan(&actions) } else { succeed(&actions) }
        case (.scan, .success(.fullReadDir(let response))):
            look(through: response, &actions)
        case (.makeTransient, .success), (.makeTransient, .failure(.fileNotFound)):
            succeed(&actions)
        case (.makeTransient, .failure(let error)):
            actions.alarm("\(request.targetId) lost its last edge but cannot be made transient: \(error)")
            actions.finish(.failure(error))
        case (_, .failure(let error)):
            actions.finish(.failure(error))
        case (_, .success):
            actions.finish(.failure(.malformedResponse))
        }
    }

    private func check(_ edge: Edge?, _ actions: inout TransactionActions) {
        guard let edge, !edge.current, edge.creationTime == request.creationTime else {
            return succeed(&actions)  // done before
        }
        if edge.targetId.id != request.targetId {
            actions.finish(.failure(.mismatchingTarget))
        } else if !edge.targetId.flag {
            actions.finish(.failure(.edgeNotOwned))
        } else {
            actions.begin()
        }
    }

    private func removeEdge(_ actions: inout TransactionActions) {
        let remove = RemoveOwnedSnapshotFileEdgeRequest(
            ownerId: request.ownerId, targetId: request.targetId, name: request.name,
            creationTime: request.creationTime)
        actions.send(.removeSnapshotEdge, .removeOwnedSnapshotFileEdge(remove), to: request.ownerId.shard)
    }

    private func scan(_ actions: inout TransactionActions) {
        actions.send(.scan, search.request, to: request.ownerId.shard)
    }

    private mutating func look(through page: FullReadDirResponse, _ actions: inout TransactionActions) {
        switch search.advance(page) {
        case .unfinished: scan(&actions)
        case .owned: succeed(&actions)
        case .unowned: makeTransient(&actions)
        }
    }

    private func makeTransient(_ actions: inout TransactionActions) {
        let transient = MakeFileTransientRequest(id: request.targetId, note: request.name)
        actions.send(.makeTransient, .makeFileTransient(transient), to: request.targetId.shard)
    }

    private func succeed(_ actions: inout TransactionActions) {
        actions.finish(.success(.crossShardHardUnlinkFile(CrossShardHardUnlinkFileResponse())))
    }
}
