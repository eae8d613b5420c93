import Consensus
import Mutations
import ReplicatedLog

/// What nobody should have to tell every single group: who has come is taken in and may vote once it lacks little, who
/// has another disk than before is a new replica in the old one's place, and leaders are spread over the processes.
package enum ReplicaSteward {
    /// To be called every now and then for each group that is led here.
    ///
    /// - Parameter present: the other processes that are there, each the only one in its slot.
    package static func tend(_ replica: Replica, present: [Member]) {
        for member in present {
            guard let change = change(for: member, in: replica.configuration) else { continue }
            // What is refused now is tried again; who cannot be promoted yet keeps nobody else out.
            if (try? replica.change(change)) != nil { return }
        }
    }

    private static func change(for member: Member, in configuration: Configuration) -> MembershipChange? {
        // It would have the place of somebody who belongs to the group taken away, and not be taken in.
        guard !configuration.expelled.contains(member.incarnation) else { return nil }
        guard let seat = configuration[member.slot] else { return .add(member) }
        if seat.incarnation != member.incarnation {
            return .remove(Member(slot: member.slot, incarnation: seat.incarnation))
        }
        return seat.isVoter ? nil : .promote(member)
    }

    /// Who should lead a group: whom an operator wants to, else its voters take turns. The same for all its replicas.
    package static func preferredLeader(of replica: Replica) -> ReplicaSlot? {
        let (configuration, voters) = (replica.configuration, Array(replica.configuration.voters))
        if let wished = configuration.wished, voters.contains(wished), !Mutation.wishesAreForgotten.isPlanted {
            return wished
        }
        return voters.isEmpty ? nil : voters[Int(replica.id.rawValue) % voters.count]
    }
}
