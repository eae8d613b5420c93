import Consensus
import Testing

struct RecoveryTests {
    private func doubtful(terms: [UInt64] = [1]) -> TestReplica {
        var state = stored(configuration(voters: 3), terms: terms)
        state.isInDoubt = true
        var replica = TestReplica(members[1], state)
        replica.now = replica.now + .milliseconds(1000)
        return replica
    }

    private func nonce(_ replica: TestReplica) throws -> Nonce { try #require(replica.consensus.hardState.doubt) }

    @Test func takesNoPartAndSaysSoOnItsDisk() {
        var replica = doubtful()
        #expect(replica.consensus.isRecovering)
        #expect(replica.writes.last?.write == .hardState(replica.consensus.hardState))
        #expect(replica.consensus.deadline == nil)
        replica.receive(.askVote(VoteRequest(last: position(9, 1), purpose: .election)), from: members[0], in: 2)
        #expect(replica.messages.isEmpty)
        replica.receive(
            .append(Append(round: 1, previous: position(1, 1), entries: [], commit: .zero)), from: members[0], in: 1)
        replica.expectVouching(false, for: members[0], in: 1)
    }

    /// That "the others" have something final proves nothing: they may follow a leader of a former term.
    @Test func recoversByTheAnswerToItsNonceAndNotByACommit() throws {
        var replica = doubtful()
        let doubt = try nonce(replica)
        replica.receive(
            .append(
                Append(round: 1, previous: position(1, 1), entries: [command(2, 1)], commit: LogIndex(rawValue: 2))),
            from: members[0], in: 1)
        replica.sync()
        #expect(replica.consensus.isRecovering)
        var answered = configuration(voters: 3)
        answered[members[1].slot]?.nonce = doubt
        let marker = Entry(position: position(3, 1), content: .configuration(answered))
        replica.receive(
            .append(Append(round: 2, previous: position(2, 1), entries: [marker], commit: LogIndex(rawValue: 2))),
            from: members[0], in: 1)
        replica.sync()
        #expect(replica.consensus.isRecovering)
        replica.receive(
            .append(Append(round: 3, previous: position(3, 1), entries: [], commit: LogIndex(rawValue: 3))),
            from: members[0], in: 1)
        #expect(!replica.consensus.isRecovering)
        #expect(replica.writes.last?.write == .hardState(HardState(term: Term(rawValue: 1))))
        #expect(replica.others.contains(.recovered))
    }

    @Test func theLeaderAnswersWithoutCountingIt() throws {
        var leader = leader()
        leader.acknowledge(by: members[2], through: 1)
        let doubt = Nonce(rawValue: 77)
        leader.acknowledge(by: members[1], through: 1, doubt: doubt)
        #expect(leader.consensus.configuration[members[1].slot]?.nonce == doubt)
        leader.sync()
        leader.acknowledge(by: members[1], through: 2, doubt: doubt)
        #expect(leader.consensus.commit.rawValue == 1)
        leader.acknowledge(by: members[2], through: 2)
        #expect(leader.consensus.commit.rawValue == 2)
        // No second answer to the same nonce.
        #expect(leader.consensus.last.index.rawValue == 2)
    }

    @Test func whatWasAcknowledgedInAFormerLifeDoesNotEndTheDoubt() {
        var leader = leader()
        leader.acknowledge(by: members[1], through: 1, doubt: Nonce(rawValue: 77))
        let old = AppendAnswer(
            round: 1, outcome: .matched(through: LogIndex(rawValue: 1)), commit: .zero, doubt: nil)
        leader.receive(.appended(old), from: members[1], in: 1)
        #expect(leader.consensus.commit == .zero)
    }

    /// An incarnation comes back with less than it acknowledged to this leader.
    @Test func theLeaderNoticesWhoHasForgotten() throws {
        var leader = leader()
        leader.acknowledge(by: members[1], through: 1)
        leader.consensus.applied(through: leader.consensus.delivered)
        _ = try leader.consensus.propose([1], at: leader.now)
        leader.settle()
        let less = AppendAnswer(
            round: leader.lastRound(to: members[1]), outcome: .conflict(hint: .zero, last: .zero), commit: .zero,
            doubt: nil)
        leader.receive(.appended(less), from: members[1], in: 1)
        guard case .forgot(_, let acknowledged)? = leader.last(to: members[1])?.body else {
            Issue.record("\(String(describing: leader.last(to: members[1])))")
            return
        }
        #expect(acknowledged.rawValue == 1)
        leader.sync()
        leader.acknowledge(by: members[1], through: 2)
        #expect(leader.consensus.commit.rawValue == 1)
    }

    @Test func whoHasForgottenIsInDoubtAndWhoHasNotIsNot() {
        var replica = TestReplica(members[1], stored(configuration(voters: 3), terms: [1]))
        replica.receive(.forgot(round: 5, acknowledged: LogIndex(rawValue: 1)), from: members[0], in: 1)
        #expect(!replica.consensus.isRecovering)
        replica.receive(.forgot(round: 6, acknowledged: LogIndex(rawValue: 2)), from: members[0], in: 1)
        #expect(replica.consensus.isRecovering)
        guard case .appended(let answer)? = replica.messages.last?.message.body else {
            Issue.record("no answer")
            return
        }
        #expect(answer.doubt == replica.consensus.hardState.doubt)
        #expect(answer.round == 6)
    }

    @Test func doubtOutlivesARestart() throws {
        let former = HardState(term: Term(rawValue: 1), doubt: Nonce(rawValue: 5))
        let replica = TestReplica(members[1], stored(configuration(voters: 3), terms: [1], hardState: former))
        #expect(replica.consensus.isRecovering)
        #expect(try nonce(replica) != Nonce(rawValue: 5))
    }
}
