import Consensus
import Testing

struct VoteTests {
    private func ask(_ last: Position, _ purpose: VoteRequest.Purpose = .election) -> Message.Body {
        .askVote(VoteRequest(last: last, purpose: purpose))
    }

    private func voter(terms: [UInt64] = [1]) -> TestReplica {
        var replica = TestReplica(members[1], stored(configuration(voters: 3), terms: terms))
        replica.now = replica.now + .milliseconds(500)
        return replica
    }

    private func isGranted(_ message: Message?) -> Bool? {
        if case .vote(let answer)? = message?.body { return answer.isGranted }
        return nil
    }

    @Test func votesOnceInATermAndTellsItWhenItIsDurable() throws {
        var voter = voter()
        voter.receive(ask(position(1, 1)), from: members[0], in: 2)
        let sent = try #require(voter.messages.last)
        #expect(isGranted(sent.message) == true)
        #expect(sent.after == voter.writes.last?.number)
        #expect(voter.writes.last?.write == .hardState(HardState(term: Term(rawValue: 2), vote: members[0])))
        voter.receive(ask(position(5, 1)), from: members[2], in: 2)
        #expect(isGranted(voter.last(to: members[2])) == false)
        voter.receive(ask(position(1, 1)), from: members[0], in: 2)
        #expect(isGranted(voter.messages.last?.message) == true)
    }

    @Test(arguments: [(1, 1, false), (2, 1, false), (2, 2, true), (1, 3, true), (3, 2, true)])
    func votesOnlyForWhoLacksNothing(index: UInt64, term: UInt64, isGranted expected: Bool) {
        var voter = voter(terms: [1, 2])
        voter.receive(ask(position(index, term)), from: members[0], in: 4)
        #expect(isGranted(voter.messages.last?.message) == expected)
        #expect(voter.consensus.term.rawValue == 4)
    }

    @Test func askingChangesNothing() {
        var voter = voter()
        voter.receive(ask(position(1, 1), .asking), from: members[0], in: 9)
        #expect(isGranted(voter.messages.last?.message) == true)
        #expect(voter.consensus.term.rawValue == 1)
        #expect(voter.writes.isEmpty)
    }

    @Test func answersToAskingCountThoughTheirTermIsEarlier() {
        var replica = TestReplica(members[0], stored(configuration(voters: 3), terms: [5]))
        replica.pass(501)
        #expect(replica.consensus.role == .asking)
        let answer = VoteAnswer(asked: Term(rawValue: 6), isAsking: true, isGranted: true)
        replica.receive(.vote(answer), from: members[2], in: 3)
        #expect(replica.consensus.role == .candidate)
    }

    @Test func restsForAPromiseAfterItsStart() {
        var replica = TestReplica(members[1], stored(configuration(voters: 3), terms: [1]))
        replica.pass(499)
        #expect(replica.messages.isEmpty)
        replica.receive(ask(position(9, 9)), from: members[0], in: 10)
        #expect(replica.messages.isEmpty)
        #expect(replica.consensus.term.rawValue == 1)
        replica.now = replica.now + .milliseconds(1)
        replica.receive(ask(position(9, 9)), from: members[0], in: 10)
        #expect(isGranted(replica.messages.last?.message) == true)
    }

    @Test func aPromiseRefusesVotesAndKeepsTheTermButNotAfterATransfer() {
        var follower = voter()
        let append = Append(round: 1, previous: position(1, 1), entries: [], commit: .zero)
        follower.receive(.append(append), from: members[0], in: 2)
        follower.sync()
        follower.expectVouching(true, for: members[0], in: 2)
        follower.now = follower.now + .milliseconds(499)
        follower.receive(ask(position(9, 2)), from: members[2], in: 3)
        #expect(follower.consensus.term.rawValue == 2)
        follower.receive(ask(position(9, 2), .transfer), from: members[2], in: 3)
        #expect(isGranted(follower.last(to: members[2])) == true)
    }

    @Test func vouchesOnlyForTheLeaderWhoseAppendItAcknowledged() {
        var follower = voter()
        follower.expectVouching(false, for: members[0], in: 2)
        follower.receive(
            .append(Append(round: 1, previous: position(7, 2), entries: [], commit: .zero)), from: members[0], in: 2)
        follower.sync()
        follower.expectVouching(false, for: members[0], in: 2)
        follower.receive(
            .append(Append(round: 2, previous: position(1, 1), entries: [], commit: .zero)), from: members[0], in: 2)
        follower.expectVouching(true, for: members[0], in: 2)
        follower.expectVouching(false, for: members[2], in: 2)
        follower.expectVouching(false, for: members[0], in: 1)
    }

    @Test func aLearnerThatWasPromotedUnawaresVotes() {
        var learner = TestReplica(members[3], stored(configuration(voters: 3, learners: 1), terms: [1]))
        learner.now = learner.now + .milliseconds(500)
        learner.receive(ask(position(2, 1)), from: members[0], in: 2)
        #expect(isGranted(learner.messages.last?.message) == true)
        #expect(learner.consensus.deadline == nil)
    }

    @Test func whoWasNeverTakenInDoesNotVote() {
        var stranger = TestReplica(members[3], .empty)
        stranger.now = stranger.now + .milliseconds(5000)
        stranger.receive(ask(position(2, 1)), from: members[0], in: 2)
        #expect(stranger.messages.isEmpty)
    }

    @Test func aMessageForAnotherIncarnationIsNotRead() {
        var voter = voter()
        let former = Member(slot: members[1].slot, incarnation: Incarnation(rawValue: 9))
        let message = Message(from: members[0], to: former, term: Term(rawValue: 5), body: ask(position(9, 4)))
        voter.consensus.receive(message, at: voter.now)
        voter.settle()
        #expect(voter.messages.isEmpty && voter.consensus.term.rawValue == 1)
    }

    @Test func aVoteOfAnotherIncarnationDoesNotCount() {
        var replica = TestReplica(members[0], stored(configuration(voters: 3)))
        replica.pass(501)
        let former = Member(slot: members[1].slot, incarnation: Incarnation(rawValue: 9))
        replica.receive(
            .vote(VoteAnswer(asked: Term(rawValue: 1), isAsking: true, isGranted: true)), from: former, in: 0)
        #expect(replica.consensus.role == .asking)
    }
}
