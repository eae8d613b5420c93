import Protocol

/// The current assignment and what it was made from. Derived from the block services, so it is neither logged nor
/// stored; replicas need not agree on it.
struct AssignmentState {
    var current = WritableAssignment()
    /// The services it was made from.
    var usable: Set<BlockServiceID> = []
    var computedAt: Timestamp?
    /// A service became writable or ceased to be since then.
    var isDirty = true
}

/// Keeping the assignment of writable block services to shards up to date (services.md A.8).
extension RegistryCore {
    /// Works the assignment out anew when the set of usable services changed or the interval has passed. Cheap when
    /// neither is so. Call it regularly; readers of the assignment also do.
    public func refreshAssignment(at clock: Timestamp) {
        // Entry times may run ahead of the clock; a row never counts as younger than its own newest change.
        let now = max(clock, meta.lastEntryTime)
        let isDue = assignment.computedAt.map {
            $0.adding(configuration.assignmentIntervalNanoseconds) <= now || now < $0
        }
        // With a use delay, services become usable by the mere passing of time.
        guard isDue ?? true || assignment.isDirty || configuration.useDelayNanoseconds > 0 else { return }
        let rows = blockServices.values.filter { isUsable($0, at: now) }
        let usable = Set(rows.map(\.id))
        assignment.isDirty = false
        guard isDue ?? true || usable != assignment.usable else { return }
        // Dictionaries have no stable order: sort, so that equal states give equal assignments.
        assignment.current = WritableAssignment(
            usable: rows.sorted { $0.id.rawValue < $1.id.rawValue }, seed: now.nanoseconds,
            target: configuration.assignmentTarget)
        assignment.usable = usable
        assignment.computedAt = now
    }

    /// The services that `shard` may write to now.
    func writableBlockServices(of shard: ShardID, at now: Timestamp) -> [BlockServiceInfoShort] {
        refreshAssignment(at: now)
        return assignment.current.shards[Int(shard.rawValue)]
    }

    private func isUsable(_ row: FullBlockServiceInfo, at now: Timestamp) -> Bool {
        row.isWritable && max(row.lastInfoChange, row.firstSeen).adding(configuration.useDelayNanoseconds) <= now
    }
}
