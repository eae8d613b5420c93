import Mutations

/// A replica of a group: who is meant by votes, acknowledgements and configurations.
public struct Member: Hashable, Sendable, CustomStringConvertible {
    public let slot: ReplicaSlot
    public let incarnation: Incarnation

    /// Whether this is the same replica, with the same disk.
    func isSame(as other: Member?) -> Bool {
        Mutation.incarnationsAreOne.isPlanted ? slot == other?.slot : self == other
    }

    public init(slot: ReplicaSlot, incarnation: Incarnation) {
        self.slot = slot
        self.incarnation = incarnation
    }

    public var description: String { "\(slot.rawValue)#\(incarnation.rawValue)" }
}
