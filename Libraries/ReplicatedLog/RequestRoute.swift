import Consensus
import Mutations

/// What becomes of a client's request at a replica.
public enum RequestRoute: Equatable, Sendable {
    /// It is worked on here.
    case here
    /// It is passed on to the leader, and the answer back.
    case passedOn(to: ReplicaSlot)
    /// Nobody is known who could work on it. Its client asks again.
    case nowhere
}

extension Replica {
    /// Where a request belongs that has come to this replica.
    ///
    /// - Parameter isPassedOn: it came to another replica, which took this one for the leader. It goes no further: two
    ///   that take each other for the leader would never be done with it (design R10).
    public func route(isPassedOn: Bool) -> RequestRoute {
        if serves { return .here }
        guard let leader, leader != member, !isPassedOn || Mutation.relaysAreRelayed.isPlanted else { return .nowhere }
        return .passedOn(to: leader.slot)
    }
}
