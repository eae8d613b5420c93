import Protocol

/// One snapshot edge of a name, as far as retention is concerned.
public struct SnapshotEdge: Hashable, Sendable {
    /// When the name began to mean this.
    public var creationTime: Timestamp
    /// Whether the edge holds its file: removing it makes the file go.
    public var isOwned: Bool
    /// Whether it says that the name was removed.
    public var isDeletion: Bool

    public init(creationTime: Timestamp, isOwned: Bool, isDeletion: Bool) {
        self.creationTime = creationTime
        self.isOwned = isOwned
        self.isDeletion = isDeletion
    }
}

/// Which snapshots of one name a directory's policy no longer protects (services.md D.2).
///
/// The oldest go first: the answer is always how many to remove from the beginning of the name's history. Whatever the
/// policy says, an edge stays until it is older than the minimum age, and the current edge is never considered.
public struct SnapshotRetention: Sendable {
    /// A name's history contradicts itself.
    public enum Disorder: Error, Hashable, Sendable {
        /// Two edges of the name were not created one after the other.
        case timesDoNotRise
    }

    public var policy: SnapshotPolicy
    /// Edges of at most this age are never removed, in nanoseconds.
    public var minimumAgeNanoseconds: UInt64

    public init(policy: SnapshotPolicy, minimumAgeNanoseconds: UInt64) {
        self.policy = policy
        self.minimumAgeNanoseconds = minimumAgeNanoseconds
    }

    /// How many of `snapshots`, oldest first, may go at `now`.
    ///
    /// - Parameter current: the creation time of the name's current edge, nil when the name does not exist now.
    public func removableCount(
        of snapshots: [SnapshotEdge], current: Timestamp?, at now: Timestamp
    ) throws(Disorder) -> Int {
        for (older, newer) in zip(snapshots, snapshots.dropFirst()) where older.creationTime >= newer.creationTime {
            throw .timesDoNotRise
        }
        let history = History(snapshots: snapshots, current: current, now: now)
        var count = 0
        if let versions = policy.deleteAfterVersions.versions {
            count = max(count, beyond(versions: Int(versions), history))
        }
        if let age = policy.deleteAfterTime.nanoseconds {
            count = max(count, superseded(before: age, history))
        }
        // A removal of nothing that is remembered is not worth remembering.
        while count < snapshots.count, snapshots[count].isDeletion, history.age(count) > minimumAgeNanoseconds {
            count += 1
        }
        return count
    }

    /// Keeps the newest `versions` files, and the removals that follow each.
    private func beyond(versions: Int, _ history: History) -> Int {
        var kept = 0
        for index in history.snapshots.indices.reversed() {
            if kept >= versions && history.age(index) > minimumAgeNanoseconds { return index + 1 }
            if !history.snapshots[index].isDeletion { kept += 1 }
        }
        return 0
    }

    /// Keeps what the name meant at any time within the last `age` nanoseconds.
    private func superseded(before age: UInt64, _ history: History) -> Int {
        let threshold = max(age, minimumAgeNanoseconds)
        guard let newest = history.snapshots.indices.last(where: { history.age($0) > threshold }) else { return 0 }
        // Everything before it was superseded before it came, so long ago. It itself was in force until its successor.
        if history.snapshots[newest].isDeletion { return newest + 1 }
        guard let successor = history.successorAge(newest) else {
            // Nothing came after: a reference that is no longer one may go, a file that somebody still holds may not.
            return history.snapshots[newest].isOwned ? newest : newest + 1
        }
        return successor > age ? newest + 1 : newest
    }

    /// The edges of a name with their ages.
    private struct History {
        let snapshots: [SnapshotEdge]
        let current: Timestamp?
        let now: Timestamp

        /// Nanoseconds since the edge was created; 0 for one from the future.
        func age(_ index: Int) -> UInt64 { age(of: snapshots[index].creationTime) }

        /// The age of what replaced the edge; nil when nothing did.
        func successorAge(_ index: Int) -> UInt64? {
            if index + 1 < snapshots.count { return age(index + 1) }
            // Histories merged long ago may have a current edge that seems older than a snapshot.
            return current.map { age(of: max($0, snapshots[index].creationTime)) }
        }

        private func age(of time: Timestamp) -> UInt64 {
            now > time ? now.nanoseconds - time.nanoseconds : 0
        }
    }
}
