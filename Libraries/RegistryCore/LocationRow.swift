import Protocol

/// One location with the replica rows of all its groups.
struct LocationRow: Equatable {
    var name: [UInt8]
    /// Index = `ReplicaGroup.index`, then replica; always 258 x 5.
    private var rows: [[ReplicaRow]]

    init(name: [UInt8]) {
        self.name = name
        rows = Array(
            repeating: (0..<RegistryLimits.replicas).map(ReplicaRow.init(initialFor:)), count: ReplicaGroup.count)
    }

    subscript(group: ReplicaGroup) -> [ReplicaRow] {
        get { rows[Int(group.index)] }
        set { rows[Int(group.index)] = newValue }
    }

    /// The leader's row, or an empty one while the group has no leader or the leader never registered.
    func leader(of group: ReplicaGroup) -> ReplicaRow {
        self[group].first { $0.isLeader && $0.hasAddress } ?? ReplicaRow()
    }
}
