import Mutations
import Protocol

extension Coordinator {
    enum LoopCheck {
        case clear
        case refused(ProtocolError)
        /// A directory on the way is just being looked up after a crash.
        case inDoubt
        /// Whether there is a loop depends on moves that are under way.
        case dependsOnMoves
    }

    /// Whether `target` may move under `newOwner`: not into itself or below (spec D.5), whichever of the moves under
    /// way succeed. Nobody else moves `target`: the caller holds the lock on its owner.
    func loopCheck(moving target: InodeID, to newOwner: InodeID) throws(CoordinatorFailure) -> LoopCheck {
        if Mutation.loopCheckIsSkipped.isPlanted { return .clear }
        var visited: Set<InodeID> = []
        var directory = newOwner
        while directory != .root {
            guard directory != target, visited.insert(directory).inserted else {
                return .refused(.loopInDirectoryRename)
            }
            if recovering.contains(directory) { return .inDoubt }
            if !moves.newOwners(of: directory).isEmpty, !Mutation.movesIgnoreEachOther.isPlanted {
                return try loopCheck(moving: target, behind: directory)
            }
            guard let owner = try currentOwner(of: directory) else { return .refused(.newDirectoryNotFound) }
            directory = owner
        }
        return target == .root ? .refused(.loopInDirectoryRename) : .clear
    }

    /// The same from a directory on that is being moved: over every place where each directory is or may be going.
    private func loopCheck(moving target: InodeID, behind moved: InodeID) throws(CoordinatorFailure) -> LoopCheck {
        var pending = [moved]
        var visited: Set<InodeID> = [.root]
        while let directory = pending.popLast() {
            guard visited.insert(directory).inserted else { continue }
            if directory == target { return .dependsOnMoves }
            if recovering.contains(directory) { return .inDoubt }
            // A directory without an owner is dead, and the shard will say so.
            if let owner = try currentOwner(of: directory) { pending.append(owner) }
            pending += moves.newOwners(of: directory)
        }
        return target == .root ? .refused(.loopInDirectoryRename) : .clear
    }

    /// The owner of a live directory, including what is decided but not applied yet.
    private func currentOwner(of directory: InodeID) throws(CoordinatorFailure) -> InodeID? {
        if let decided = decidedOwners[directory] { return decided }
        return try ledger.owner(of: directory)
    }
}
