import Mutations

extension RegistryCore {
    /// Another replica leads, or may. All that only a leader has in mind is forgotten: when it looked last for silent
    /// services, whose registrations go elsewhere now, and the times of entries that may never be applied. What else is
    /// not stored follows from what is (`AssignmentState`).
    public func stepDown() {
        if !Mutation.silenceBeforeALeaderCounts.isPlanted { staleness = StalenessState() }
        lastPreparedTime = meta.lastEntryTime
    }
}
