import Consensus
import Protocol

extension Replica {
    /// What is known here of the group, for people.
    public var status: ReplicaStatus {
        ReplicaStatus(
            replica: ReplicaID(member.slot), leads: serves, term: term,
            leader: leader.map { ReplicaID($0.slot) } ?? .nobody, last: consensus.last.index,
            committed: consensus.commit, applied: state.appliedIndex,
            wished: configuration.wished.map { ReplicaID($0) } ?? .nobody,
            members: configuration.slots.map { view(of: $0) })
    }

    private func view(of slot: ReplicaSlot) -> ReplicaView {
        let isOwn = slot == member.slot
        let peer = consensus.view(of: slot, at: lane.now)
        return ReplicaView(
            replica: ReplicaID(slot), isVoter: configuration.voters.contains(slot),
            isHeard: isOwn || peer?.isHeard ?? false, fetchesState: peer?.needsSnapshot ?? false,
            matched: isOwn ? consensus.last.index : peer?.matched ?? .zero)
    }
}
