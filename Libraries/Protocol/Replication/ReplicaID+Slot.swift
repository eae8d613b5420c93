import Consensus

extension ReplicaID {
    public init(_ slot: ReplicaSlot) { self.init(rawValue: slot.rawValue) }
}
