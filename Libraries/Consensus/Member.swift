/// A replica of a group: who is meant by votes, acknowledgements and configurations.
public struct Member: Hashable, Sendable, CustomStringConvertible {
    public let slot: ReplicaSlot
    public let incarnation: Incarnation

    public init(slot: ReplicaSlot, incarnation: Incarnation) {
        self.slot = slot
        self.incarnation = incarnation
    }

    public var description: String { "\(slot.rawValue)#\(incarnation.rawValue)" }
}
