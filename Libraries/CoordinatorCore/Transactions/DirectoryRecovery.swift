import Protocol

/// Finds out what became of a directory id that was reserved when the coordinator crashed, and brings it to one of its
/// two ends: a directory with exactly one edge, or no live directory.
///
///     statTarget → no inode, or no owner: dropped
///         ↓
///     scan the owner's current edges → found: unlock → made
///         ↓ not found
///     scan its history too → found: it was renamed under our eyes; start again
///         ↓ not found
///     removeOwner → dropped
///
/// Only the coordinator moves a directory to another owner or takes its owner away, and this holds its lock, so the
/// edge, if there is one, is in the owner that the inode names. No shard is asked before it has closed what earlier
/// leaders sent, so what it answers stays true.
///
/// For a mkdir that was begun this is all that is left to do: its client is told of the success if there is
/// one, under whatever name the directory has by now, and otherwise asks again.
struct DirectoryRecovery: Transaction {
    let directory: InodeID
    let wasMadeExclusively: Bool
    let defaultInfo: DirectoryInfo

    private var owner = InodeID.null
    private var cursor = FullReadDirCursor(current: true, startName: [], startTime: .zero)
    private var scansHistory = false

    init(of directory: InodeID, wasMadeExclusively: Bool, defaultInfo: DirectoryInfo) {
        self.directory = directory
        self.wasMadeExclusively = wasMadeExclusively
        self.defaultInfo = defaultInfo
    }

    var claims: [LockClaim] { [.exclusive(directory)] }

    private var statRequest: AnyShardRequest { .statDirectory(StatDirectoryRequest(id: directory)) }

    mutating func start(_ actions: inout TransactionActions) {
        actions.send(.statTarget, statRequest, to: directory.shard)
    }

    mutating func handle(_ answer: ShardAnswer, to step: TransactionStep, _ actions: inout TransactionActions) {
        switch (step, answer) {
        case (.statTarget, .success(.statDirectory(let response))):
            guard !response.owner.isNull else { return drop(&actions) }
            owner = response.owner
            scansHistory = false
            cursor = FullReadDirCursor(current: true, startName: [], startTime: .zero)
            scan(&actions)
        case (.statTarget, .failure(.directoryNotFound)):
            drop(&actions)
        case (.scan, .success(.fullReadDir(let response))):
            look(through: response, &actions)
        case (.scan, .failure(.directoryNotFound)):
            removeOwner(&actions)
        case (.unlockEdge, .success), (.removeOwner, .failure(.directoryNotEmpty)), (.unlockEdge, .failure):
            // Unlocked, or changed by somebody meanwhile: look again.
            actions.retry(.statTarget, statRequest, to: directory.shard)
        case (.removeOwner, .success), (.removeOwner, .failure(.directoryNotFound)):
            drop(&actions)
        default:
            actions.alarm("recovery of directory \(directory): unexpected answer to \(step): \(answer)")
            actions.retry(.statTarget, statRequest, to: directory.shard)
        }
    }

    private func scan(_ actions: inout TransactionActions) {
        let request = FullReadDirRequest(
            dirId: owner, flags: cursor.current ? .current : [], startName: cursor.startName,
            startTime: cursor.startTime, limit: 0, mtu: 8192)
        actions.send(.scan, .fullReadDir(request), to: owner.shard)
    }

    private mutating func look(through page: FullReadDirResponse, _ actions: inout TransactionActions) {
        if let edge = page.results.first(where: { $0.targetId.id == directory }) {
            found(edge, &actions)
        } else if !page.next.startName.isEmpty {
            cursor = page.next
            scan(&actions)
        } else if !scansHistory {
            scansHistory = true
            cursor = FullReadDirCursor(current: false, startName: [], startTime: .zero)
            scan(&actions)
        } else {
            removeOwner(&actions)
        }
    }

    private func found(_ edge: Edge, _ actions: inout TransactionActions) {
        if !edge.current {
            actions.retry(.statTarget, statRequest, to: directory.shard)
        } else if edge.targetId.flag {
            let unlock = UnlockCurrentEdgeRequest(
                dirId: owner, name: edge.name, creationTime: edge.creationTime, targetId: directory, wasMoved: false)
            actions.send(.unlockEdge, .unlockCurrentEdge(unlock), to: owner.shard)
        } else {
            let response = AnyCdcResponse.directoryMade(
                directory, edge.creationTime, isExclusive: wasMadeExclusively)
            actions.finish(.success(response), .directoryMade(directory, owner: owner))
        }
    }

    private func removeOwner(_ actions: inout TransactionActions) {
        let request = RemoveDirectoryOwnerRequest(dirId: directory, info: defaultInfo)
        actions.send(.removeOwner, .removeDirectoryOwner(request), to: directory.shard)
    }

    private func drop(_ actions: inout TransactionActions) {
        actions.abandon(.directoryDropped(directory))
    }
}
