import Consensus
import Protocol

extension Replica {
    /// What is known here of the group, for people.
    public var status: ReplicaStatus {
        ReplicaStatus(
            replica: ReplicaID(rawValue: member.slot.rawValue), leads: serves, term: term,
            leader: ReplicaID(rawValue: leader?.slot.rawValue ?? .max), last: consensus.last.index,
            committed: consensus.commit, applied: applied,
            members: configuration.slots.map { view(of: $0) })
    }

    private func view(of slot: ReplicaSlot) -> ReplicaView {
        let isOwn = slot == member.slot
        let peer = consensus.view(of: slot, at: lane.now)
        return ReplicaView(
            replica: ReplicaID(rawValue: slot.rawValue), isVoter: configuration.voters.contains(slot),
            isHeard: isOwn || peer?.isHeard ?? false, fetchesState: peer?.needsSnapshot ?? false,
            matched: isOwn ? consensus.last.index : peer?.matched ?? .zero)
    }
}
