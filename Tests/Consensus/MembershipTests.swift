import Consensus
import Testing

struct MembershipTests {
    private func serving(voters: Int = 3, learners: Int = 0) -> TestReplica {
        var leader = leader(voters: voters, learners: learners)
        leader.acknowledge(by: members[1], through: 1)
        return leader
    }

    @Test func aReplicaLearnsIsPromotedAndRemoved() throws {
        var leader = TestReplica(members[0], .born(members[0]))
        leader.pass(0)
        leader.sync()
        _ = try leader.consensus.change(.add(members[3]), at: leader.now)
        leader.settle()
        leader.sync()
        #expect(throws: MembershipRefusal.isBehind) {
            try leader.consensus.change(.promote(members[3]), at: leader.now)
        }
        leader.acknowledge(by: members[3], through: 2)
        _ = try leader.consensus.change(.promote(members[3]), at: leader.now)
        leader.settle()
        #expect(leader.consensus.configuration.voters.count == 2)
        leader.sync()
        #expect(leader.consensus.commit.rawValue == 2)
        leader.acknowledge(by: members[3], through: 3)
        #expect(leader.consensus.commit.rawValue == 3)
        _ = try leader.consensus.change(.remove(members[3]), at: leader.now)
        leader.settle()
        leader.sync()
        #expect(leader.consensus.commit.rawValue == 4)
    }

    @Test func oneChangeAtATime() throws {
        var leader = serving()
        _ = try leader.consensus.change(.add(members[3]), at: leader.now)
        leader.settle()
        leader.sync()
        #expect(throws: MembershipRefusal.notYet) { try leader.consensus.change(.add(members[4]), at: leader.now) }
        leader.acknowledge(by: members[2], through: 2)
        _ = try leader.consensus.change(.add(members[4]), at: leader.now)
    }

    @Test func aWishIsAChangeThatChangesNobody() throws {
        var leader = serving()
        #expect(throws: MembershipRefusal.notAMember) {
            try leader.consensus.change(.wish(members[3].slot), at: leader.now)
        }
        _ = try leader.consensus.change(.wish(members[1].slot), at: leader.now)
        leader.settle()
        leader.sync()
        #expect(leader.consensus.configuration.wished == members[1].slot)
        #expect(leader.consensus.configuration.voters == configuration(voters: 3).voters)
        #expect(throws: MembershipRefusal.notYet) { try leader.consensus.change(.wish(nil), at: leader.now) }
        leader.acknowledge(by: members[2], through: 2)
        #expect(leader.consensus.commit.rawValue == 2)
        // Who is gone cannot lead.
        _ = try leader.consensus.change(.remove(members[1]), at: leader.now)
        #expect(leader.consensus.configuration.wished == nil)
    }

    @Test func notBeforeTheFirstEntryOfTheTermIsFinal() {
        var leader = leader(terms: [1])
        leader.acknowledge(by: members[1], through: 1)
        #expect(throws: MembershipRefusal.notYet) { try leader.consensus.change(.add(members[3]), at: leader.now) }
    }

    @Test func whatCannotBeIsRefused() {
        var leader = serving()
        let stranger = Member(slot: members[1].slot, incarnation: Incarnation(rawValue: 2))
        #expect(throws: MembershipRefusal.slotIsTaken) { try leader.consensus.change(.add(stranger), at: leader.now) }
        #expect(throws: MembershipRefusal.notAMember) { try leader.consensus.change(.remove(stranger), at: leader.now) }
        #expect(throws: MembershipRefusal.notALearner) {
            try leader.consensus.change(.promote(members[1]), at: leader.now)
        }
        #expect(throws: MembershipRefusal.isLeader) { try leader.consensus.change(.remove(members[0]), at: leader.now) }
    }

    @Test func aChangeIsInForceWhenAppendedAndUndoneWhenCut() {
        var follower = TestReplica(members[1], stored(configuration(voters: 3), terms: [1]))
        let change = Entry(position: position(2, 1), content: .configuration(configuration(voters: 2)))
        follower.receive(
            .append(Append(round: 1, previous: position(1, 1), entries: [change], commit: .zero)), from: members[0],
            in: 1)
        #expect(follower.consensus.configuration == configuration(voters: 2))
        follower.receive(
            .append(Append(round: 1, previous: position(1, 1), entries: [command(2, 2)], commit: .zero)),
            from: members[2], in: 2)
        #expect(follower.consensus.configuration == configuration(voters: 3))
    }

    @Test func whatAnotherIncarnationAcknowledgesDoesNotCount() {
        var leader = leader()
        let former = Member(slot: members[1].slot, incarnation: Incarnation(rawValue: 9))
        leader.acknowledge(by: former, through: 1)
        #expect(leader.consensus.commit == .zero)
    }
}
