import Consensus

/// Who a process is for its peers.
public struct PeerIdentity: Hashable, Sendable, CustomStringConvertible {
    public let service: PeerService
    public let slot: ReplicaSlot
    public let incarnation: Incarnation

    public init(service: PeerService, slot: ReplicaSlot, incarnation: Incarnation) {
        self.service = service
        self.slot = slot
        self.incarnation = incarnation
    }

    /// As the replicas in it are named.
    public var member: Member { Member(slot: slot, incarnation: incarnation) }

    public var description: String { "\(service) \(slot.rawValue)#\(incarnation.rawValue)" }
}
