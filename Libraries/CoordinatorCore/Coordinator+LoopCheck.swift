import Mutations
import Protocol

extension Coordinator {
    enum LoopCheck {
        case clear
        case refused(ProtocolError)
        /// A directory on the way is just being looked up after a crash.
        case inDoubt
    }

    /// Whether `target` may move under `newOwner`: not into itself or below (spec D.5). The caller holds the lock that
    /// keeps other directories from moving, so what is true now stays true.
    func loopCheck(moving target: InodeID, to newOwner: InodeID) throws(CoordinatorFailure) -> LoopCheck {
        if Mutation.loopCheckIsSkipped.isPlanted { return .clear }
        var visited: Set<InodeID> = [target]
        var directory = newOwner
        while directory != .root {
            guard visited.insert(directory).inserted else { return .refused(.loopInDirectoryRename) }
            if recovering.contains(directory) { return .inDoubt }
            guard let owner = try currentOwner(of: directory) else { return .refused(.newDirectoryNotFound) }
            directory = owner
        }
        return target == .root ? .refused(.loopInDirectoryRename) : .clear
    }

    /// The owner of a live directory, including what is decided but not applied yet.
    private func currentOwner(of directory: InodeID) throws(CoordinatorFailure) -> InodeID? {
        if let decided = decidedOwners[directory] { return decided }
        return try ledger.owner(of: directory)
    }
}
