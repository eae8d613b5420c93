import Protocol

/// A rule of spec A.13 that the coordinator's state breaks.
public struct CoordinatorViolation: Sendable, CustomStringConvertible {
    /// The rule's number in the spec, or a letter for one of our own.
    public var rule: String
    public var description: String
}

extension Coordinator {
    /// The parent map as the log has it: directory → owner, for every live directory except ROOT (X6).
    public func parents() throws(CoordinatorFailure) -> [InodeID: InodeID] {
        var parents: [InodeID: InodeID] = [:]
        try forEachParent { parents[$0] = $1 }
        return parents
    }

    /// Reports everything in the applied state that contradicts the rules. Reads the whole parent map.
    public func checkInvariants(_ report: (CoordinatorViolation) -> Void) throws(CoordinatorFailure) {
        let parents = try parents()
        var reachesRoot: Set<InodeID> = [.root]
        for directory in parents.keys {
            checkPath(from: directory, parents, &reachesRoot, report)
        }
        for directory in strayReservations() {
            report(CoordinatorViolation(rule: "reserved", description: "\(directory) is beyond the reservation"))
        }
        for (shard, channel) in channels.enumerated() where running.isEmpty && channel.open.lowest != nil {
            report(CoordinatorViolation(rule: "sequences", description: "shard \(shard) owes an answer to nobody"))
        }
        if running.isEmpty && !locks.isEmpty {
            report(CoordinatorViolation(rule: "locks", description: "locks are held although nothing runs"))
        }
    }

    private func checkPath(
        from start: InodeID, _ parents: [InodeID: InodeID], _ reachesRoot: inout Set<InodeID>,
        _ report: (CoordinatorViolation) -> Void
    ) {
        var path: Set<InodeID> = []
        var directory = start
        while !reachesRoot.contains(directory) {
            guard directory.isDirectory, path.insert(directory).inserted, let owner = parents[directory] else {
                report(CoordinatorViolation(rule: "X5", description: "the owners of \(start) do not lead to the root"))
                return
            }
            directory = owner
        }
        reachesRoot.formUnion(path)
    }
}
