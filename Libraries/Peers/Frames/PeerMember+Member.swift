import Consensus
import Protocol

extension PeerMember {
    init(_ member: Member) {
        self.init(slot: ReplicaID(rawValue: member.slot.rawValue), incarnation: member.incarnation)
    }
}

extension Member {
    init(_ member: PeerMember) throws(DecodeError) {
        guard let slot = ReplicaSlot(rawValue: member.slot.rawValue) else { throw .invalidValue }
        self.init(slot: slot, incarnation: member.incarnation)
    }
}
