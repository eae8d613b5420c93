import Protocol

/// HARD_UNLINK_DIRECTORY (spec D.5): one request that a shard may carry out any number of times, so nothing is logged.
/// The lock keeps it from an inode that a removal, a move or a recovery is at work on.
struct HardUnlinkDirectoryTransaction: Transaction {
    let directory: InodeID

    init(_ request: HardUnlinkDirectoryRequest) { directory = request.dirId }

    var claims: [LockClaim] { [.exclusive(directory)] }

    var startingAgain: any Transaction { self }

    mutating func start(_ actions: inout TransactionActions) {
        actions.send(.removeInode, .removeInode(RemoveInodeRequest(id: directory)), to: directory.shard)
    }

    mutating func handle(_ answer: ShardAnswer, to step: TransactionStep, _ actions: inout TransactionActions) {
        switch answer {
        case .success: actions.finish(.success(.hardUnlinkDirectory(HardUnlinkDirectoryResponse())))
        case .failure(let error): actions.finish(.failure(error))
        }
    }
}
