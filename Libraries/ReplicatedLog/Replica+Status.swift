import Consensus
import Protocol

extension Replica {
    /// What is known here of the group, for people.
    public var status: ReplicaStatus {
        ReplicaStatus(
            replica: ReplicaID(member.slot), leads: serves, term: term,
            leader: leader.map { ReplicaID($0.slot) } ?? .nobody, last: consensus.last.index,
            committed: consensus.commit, applied: applied,
            members: configuration.slots.map { view(of: $0) })
    }

    private func seat(of slot: ReplicaSlot) -> SeatKind {
        guard configuration.voters.contains(slot) else { return .learner }
        return configuration.wished == slot ? .wished : .voter
    }

    private func view(of slot: ReplicaSlot) -> ReplicaView {
        let isOwn = slot == member.slot
        let peer = consensus.view(of: slot, at: lane.now)
        return ReplicaView(
            replica: ReplicaID(slot), seat: seat(of: slot),
            isHeard: isOwn || peer?.isHeard ?? false, fetchesState: peer?.needsSnapshot ?? false,
            matched: isOwn ? consensus.last.index : peer?.matched ?? .zero)
    }
}
