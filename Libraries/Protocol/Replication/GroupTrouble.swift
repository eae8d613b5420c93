import Wire

/// What is wrong with a group of replicas.
@frozen
public struct GroupTrouble: RawWireValue, Hashable {
    public var rawValue: UInt8

    @inlinable
    public init(rawValue: UInt8) { self.rawValue = rawValue }

    /// Nobody leads it: it stands still.
    public static let hasNoLeader = GroupTrouble(rawValue: 1)
    /// It would stop with one more failure.
    public static let isFragile = GroupTrouble(rawValue: 2)
    /// Not all of its replicas take part.
    public static let isIncomplete = GroupTrouble(rawValue: 3)

    @inlinable
    public var isValidOnWire: Bool { (1...3).contains(rawValue) }
}

extension ReplicaStatus {
    /// What is wrong with the group, if this replica leads it or knows of nobody who does; nil: nothing, or it is for
    /// others to say. A group that never had more than one replica is as it should be.
    public var trouble: GroupTrouble? {
        guard leads else { return leader == .nobody && !members.isEmpty ? .hasNoLeader : nil }
        let voters = members.filter(\.isVoter)
        // Who fetches the state has nothing of what is to be decided upon.
        let ready = voters.count { $0.isHeard && !$0.fetchesState }
        if members.count > 1, ready <= voters.count / 2 + 1 { return .isFragile }
        return ready == members.count ? nil : .isIncomplete
    }
}
