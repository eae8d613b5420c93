import Consensus
import Testing

struct LeaseTests {
    /// A leader that serves, and has no promises yet.
    private func serving() -> TestReplica {
        var leader = leader()
        leader.acknowledge(by: members[1], through: 1)
        leader.consensus.applied(through: leader.consensus.delivered)
        leader.settle()
        return leader
    }

    /// 500 ms less 1 %, from before the question was sent.
    @Test func lastsFromTheQuestionAndIsShortened() {
        var leader = serving()
        let sentAt = leader.now
        #expect(!leader.consensus.hasLease(at: sentAt))
        leader.now = leader.now + .milliseconds(100)
        leader.promise(by: members[1], sentAt: sentAt)
        #expect(leader.consensus.hasLease(at: sentAt + BootSpan(nanoseconds: 494_999_999)))
        #expect(!leader.consensus.hasLease(at: sentAt + .milliseconds(495)))
    }

    @Test func needsAMajority() {
        var leader = leader(voters: 5)
        leader.promise(by: members[1], sentAt: leader.now)
        #expect(!leader.consensus.hasLease(at: leader.now))
        leader.promise(by: members[2], sentAt: leader.now)
        #expect(leader.consensus.hasLease(at: leader.now))
    }

    @Test func aVetoEndsItUntilPromisesAreNew() {
        var leader = serving()
        leader.promise(by: members[1], sentAt: leader.now)
        leader.now = leader.now + .milliseconds(10)
        let before = leader.now
        leader.consensus.voidLease(at: leader.now)
        #expect(!leader.consensus.hasLease(at: leader.now))
        leader.promise(by: members[1], sentAt: before)
        #expect(!leader.consensus.hasLease(at: leader.now))
        leader.promise(by: members[1], sentAt: before + .milliseconds(1))
        #expect(leader.consensus.hasLease(at: leader.now))
    }

    @Test func isGivenUpForGoodBeforeATransfer() throws {
        var leader = serving()
        leader.promise(by: members[1], sentAt: leader.now)
        try leader.consensus.handOver(to: members[1].slot, at: leader.now)
        leader.settle()
        #expect(leader.last(to: members[1])?.body == .takeOver)
        #expect(!leader.consensus.hasLease(at: leader.now))
        #expect(throws: ProposalRefusal.handingOver) { try leader.consensus.propose([1], at: leader.now) }
        // Nothing comes of it: proposals are taken again, and the lease stays away.
        for _ in 0..<6 {
            leader.promise(by: members[1], sentAt: leader.now)
            leader.pass(100)
        }
        leader.promise(by: members[1], sentAt: leader.now)
        #expect(!leader.consensus.hasLease(at: leader.now))
        _ = try leader.consensus.propose([1], at: leader.now)
    }

    @Test func theTargetOfATransferAsksAtOnceAndSaysWhy() {
        var target = TestReplica(members[1], stored(configuration(voters: 3), terms: [1]))
        target.receive(
            .append(Append(round: 1, previous: position(1, 1), entries: [], commit: .zero)), from: members[0], in: 1)
        target.receive(.takeOver, from: members[0], in: 1)
        #expect(target.consensus.role == .candidate)
        #expect(target.last(to: members[2])?.body == .askVote(VoteRequest(last: position(1, 1), purpose: .transfer)))
        // The next attempt has no such right.
        target.pass(1000)
        #expect(target.last(to: members[2])?.body == .askVote(VoteRequest(last: position(1, 1), purpose: .asking)))
    }

    @Test func readsWithALeaseNeedNoConfirmation() throws {
        var leader = serving()
        leader.promise(by: members[1], sentAt: leader.now)
        #expect(try leader.consensus.read(at: leader.now) == .applied(LogIndex(rawValue: 1)))
    }

    @Test func otherReadsWaitForAHeartbeatSentAfterThem() throws {
        var leader = serving()
        let permission = try leader.consensus.read(at: leader.now)
        guard case .confirmed(let number) = permission else {
            Issue.record("\(permission)")
            return
        }
        leader.settle()
        #expect(leader.others.last == .heartbeatWanted)
        leader.promise(by: members[1], sentAt: leader.now)
        #expect(!leader.others.contains(.readable(number, LogIndex(rawValue: 1))))
        leader.promise(by: members[1], sentAt: leader.now + BootSpan(nanoseconds: 1))
        #expect(leader.others.contains(.readable(number, LogIndex(rawValue: 1))))
    }

    @Test func aLeaderWithALeaseVotesForNobody() {
        var leader = serving()
        leader.promise(by: members[1], sentAt: leader.now)
        _ = leader.takeMessages()
        let request = VoteRequest(last: position(9, 9), purpose: .election)
        leader.receive(.askVote(request), from: members[2], in: 9)
        #expect(leader.consensus.role == .leader)
        #expect(leader.messages.isEmpty)
    }

    @Test func handsOverToWhomIsPreferred() {
        var leader = serving()
        leader.acknowledge(by: members[2], through: 1)
        leader.consensus.prefer(members[2].slot)
        for _ in 0..<25 {
            leader.promise(by: members[1], sentAt: leader.now)
            leader.promise(by: members[2], sentAt: leader.now)
            leader.pass(100)
        }
        #expect(leader.messages.contains { $0.message.body == .takeOver && $0.message.to == members[2] })
    }
}
