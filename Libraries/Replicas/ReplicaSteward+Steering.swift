import Consensus
import Mutations
import Protocol
import ReplicatedLog

// What operators want of a group, as `sterna leader` and `sterna replica` ask for it.
extension ReplicaSteward {
    /// Who lacks more entries than this cannot take over at once.
    private static let mostLacking: UInt64 = 1000

    /// Begins to do what an operator wants of a group that is led here.
    ///
    /// A wish who should lead is an entry of the group's log: so all replicas agree on it, and it outlives every restart.
    /// If each process kept it for itself, two that differ would hand the group to and fro.
    package static func steer(_ replica: Replica, _ steering: Steering, _ target: ReplicaID) -> SteeringOutcome {
        guard replica.serves else { return .later }
        guard steering != .anyLeads else { return wish(nil, replica) }
        let status = replica.status
        guard let slot = ReplicaSlot(rawValue: target.rawValue),
            let view = status.members.first(where: { $0.replica == target })
        else { return .notAMember }
        return steering == .lead ? lead(slot, view, status, replica) : remove(slot, view, status, replica)
    }

    private static func lead(
        _ slot: ReplicaSlot, _ view: ReplicaView, _ status: ReplicaStatus, _ replica: Replica
    ) -> SteeringOutcome {
        guard view.isVoter else { return .notAVoter }
        guard view.isHeard else { return .isAway }
        guard !view.fetchesState, view.matched.rawValue + mostLacking >= status.last.rawValue else { return .isBehind }
        let outcome = wish(slot, replica)
        // If it is refused now, the wish brings it about a little later.
        if outcome == .done, slot != replica.member.slot { try? replica.handOver(to: slot) }
        return outcome
    }

    private static func wish(_ slot: ReplicaSlot?, _ replica: Replica) -> SteeringOutcome {
        replica.configuration.wished == slot ? .done : change(.wish(slot), replica)
    }

    /// Only who is gone is removed: who is there would be taken in again.
    private static func remove(
        _ slot: ReplicaSlot, _ view: ReplicaView, _ status: ReplicaStatus, _ replica: Replica
    ) -> SteeringOutcome {
        guard !view.isHeard || Mutation.presentReplicasAreRemoved.isPlanted else { return .isPresent }
        let left = status.members.filter { $0.isVoter && $0.replica != view.replica }
        guard left.count(where: \.isHeard) > left.count / 2 else { return .tooFewAreLeft }
        guard let member = replica.configuration.member(at: slot) else { return .notAMember }
        return change(.remove(member), replica)
    }

    private static func change(_ change: MembershipChange, _ replica: Replica) -> SteeringOutcome {
        do throws(MembershipRefusal) {
            try replica.change(change)
            return .done
        } catch {
            return .later
        }
    }
}
