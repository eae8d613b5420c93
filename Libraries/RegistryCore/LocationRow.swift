import Mutations
import Protocol

/// One location with the replica rows of all its groups.
struct LocationRow: Equatable {
    var name: [UInt8]
    /// Index = `ReplicaGroup.index`, then replica; always 258 x 5.
    private var rows: [[ReplicaRow]]
    /// The latest in which a replica of a group of several was known to lead; zero: such a group it is not.
    private var terms: [ReplicaGroup: Term] = [:]

    init(name: [UInt8]) {
        self.name = name
        rows = Array(
            repeating: (0..<RegistryLimits.replicas).map(ReplicaRow.init(initialFor:)), count: ReplicaGroup.count)
    }

    subscript(group: ReplicaGroup) -> [ReplicaRow] {
        get { rows[Int(group.index)] }
        set { rows[Int(group.index)] = newValue }
    }

    func term(of group: ReplicaGroup) -> Term { terms[group] ?? .zero }

    mutating func setTerm(_ term: Term, of group: ReplicaGroup) { terms[group] = term }

    /// Where a group is asked, and when it was last seen. Of a group of several replicas the others pass on what is for
    /// the leader: one of them is the second way, or the first while no leader is known. Each second it may be another
    /// one: who does not get through to the leader that way, either, asks anew.
    func way(to group: ReplicaGroup, at now: Timestamp) -> (addrs: AddrsInfo, lastSeen: Timestamp) {
        let leader = leader(of: group)
        let others = term(of: group) > .zero ? self[group].filter { !$0.isLeader && $0.hasAddress } : []
        guard !others.isEmpty else { return (leader.addrs, leader.lastSeen) }
        let other = others[Self.turn(at: now) % others.count]
        guard leader.hasAddress else { return (other.addrs, other.lastSeen) }
        guard leader.addrs.addr2.port == 0 else { return (leader.addrs, leader.lastSeen) }
        return (AddrsInfo(addr1: leader.addrs.addr1, addr2: other.addrs.addr1), leader.lastSeen)
    }

    /// Without a rhythm that could be that of those who ask.
    private static func turn(at now: Timestamp) -> Int {
        if Mutation.theSecondWayStays.isPlanted { return 0 }
        return Int((now.nanoseconds / 1_000_000_000 &* 0x9e37_79b9_7f4a_7c15) >> 32)
    }

    /// The leader's row, or an empty one while the group has no leader or the leader never registered.
    func leader(of group: ReplicaGroup) -> ReplicaRow {
        self[group].first { $0.isLeader && $0.hasAddress } ?? ReplicaRow()
    }
}
