import Protocol

/// Which groups of replicas are in trouble, as processes with replicas tell it. It is kept in memory only: who is alive
/// tells it again.
public struct GroupTroubles {
    /// Whose report it is.
    public enum Owner: Hashable, Sendable {
        /// A process with replicas of shards, by the first of them.
        case shards(ShardID, ReplicaID, LocationID)
        case coordinator(ReplicaID, LocationID)
        /// The one that keeps this table.
        case registry
    }

    private struct Report {
        let groups: [TroubledGroup]
        let time: UInt64
    }

    /// Who does not repeat it has gone; others have more to say then.
    private static let lifetimeNanoseconds: UInt64 = 180_000_000_000

    private var reports: [Owner: Report] = [:]

    public init() {}

    /// `now`: monotonic nanoseconds, here and below.
    public mutating func report(_ request: ReportGroupsRequest, at now: UInt64) {
        let owner =
            request.isCoordinator
            ? Owner.coordinator(request.replica, request.location)
            : .shards(request.shard, request.replica, request.location)
        report(owner, request.groups, at: now)
    }

    public mutating func report(_ owner: Owner, _ groups: [TroubledGroup], at now: UInt64) {
        reports[owner] = groups.isEmpty ? nil : Report(groups: groups, time: now)
    }

    /// One alarm for all groups that stand still, and one for all that would with one more failure: a process that is
    /// lost takes a replica of each group with it.
    public func alarms(at now: UInt64) -> [RegistryAlarm] {
        let told = reports.values.filter { now &- $0.time < Self.lifetimeNanoseconds }.flatMap(\.groups)
        let leaderless = Set(told.filter { $0.trouble == .hasNoLeader }.map(\.group))
        let fragile = Set(told.filter { $0.trouble == .isFragile }.map(\.group)).subtracting(leaderless)
        return [
            alarm(.leaderlessGroups, leaderless, "without a leader, so nothing can be read or changed there"),
            alarm(
                .fragileGroups, fragile, "one failure away from standing still: a replica is lost, away or far behind"),
        ].compactMap(\.self)
    }

    private func alarm(_ kind: RegistryAlarm.Kind, _ groups: Set<GroupNumber>, _ what: String) -> RegistryAlarm? {
        guard !groups.isEmpty else { return nil }
        let names = GroupNumber.names(of: groups)
        return RegistryAlarm(kind, names, "\(names): \(what) (sterna shards)")
    }
}
