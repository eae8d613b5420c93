import Protocol

/// Finds out what became of a directory id that was reserved when the coordinator crashed, and brings it to one of its
/// two ends: a directory with exactly one edge, or no live directory.
///
///     statTarget → no inode, or no owner: dropped
///         ↓
///     scan the owner's current edges → found: unlock → (renamed: readSource →) made
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
/// one, whatever name the directory has by now, and otherwise asks again.
struct DirectoryRecovery: Transaction {
    let directory: InodeID
    /// What its maker wanted; nil when the log does not know the maker.
    let making: DirectoryMaking?
    let defaultInfo: DirectoryInfo

    private var owner = InodeID.null
    private var cursor = FullReadDirCursor(current: true, startName: [], startTime: .zero)
    private var scansHistory = false
    /// When the edge found was made.
    private var creationTime = Timestamp.zero

    init(of directory: InodeID, making: DirectoryMaking?, defaultInfo: DirectoryInfo) {
        self.directory = directory
        self.making = making
        self.defaultInfo = defaultInfo
    }

    var claims: [LockClaim] { [.exclusive(directory)] }

    var startingAgain: any Transaction {
        DirectoryRecovery(of: directory, making: making, defaultInfo: defaultInfo)
    }

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
        case (.readSource, .success(.fullReadDir(let response))):
            let made = response.results.last { $0.targetId.id == directory }
            end(made?.creationTime ?? creationTime, &actions)
        case (.readSource, .failure):
            end(creationTime, &actions)
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

    private mutating func found(_ edge: Edge, _ actions: inout TransactionActions) {
        if !edge.current {
            actions.retry(.statTarget, statRequest, to: directory.shard)
        } else if edge.targetId.flag {
            let unlock = UnlockCurrentEdgeRequest(
                dirId: owner, name: edge.name, creationTime: edge.creationTime, targetId: directory, wasMoved: false)
            actions.send(.unlockEdge, .unlockCurrentEdge(unlock), to: owner.shard)
        } else if let making, making.name != edge.name {
            // Renamed by somebody who saw it before its maker was told. The maker's edge is history, if not collected.
            creationTime = edge.creationTime
            let request = FullReadDirRequest(
                dirId: owner, flags: [.backwards, .sameName], startName: making.name, startTime: .zero, limit: 0,
                mtu: 8192)
            actions.send(.readSource, .fullReadDir(request), to: owner.shard)
        } else {
            end(edge.creationTime, &actions)
        }
    }

    private func end(_ creationTime: Timestamp, _ actions: inout TransactionActions) {
        let response = (making?.form ?? .plain).made(directory, creationTime)
        actions.finish(.success(response), .directoryMade(directory, owner: owner))
    }

    private func removeOwner(_ actions: inout TransactionActions) {
        let request = RemoveDirectoryOwnerRequest(dirId: directory, info: defaultInfo)
        actions.send(.removeOwner, .removeDirectoryOwner(request), to: directory.shard)
    }

    private func drop(_ actions: inout TransactionActions) {
        actions.abandon(.directoryDropped(directory))
    }
}
