import Consensus
import Testing

struct SnapshotTests {
    private let base = SnapshotBase(position: position(3, 1), configuration: configuration(voters: 5))

    private func follower(terms: [UInt64], commit: UInt64 = 0) -> TestReplica {
        var follower = TestReplica(members[1], stored(configuration(voters: 3), terms: terms))
        let append = Append(
            round: 1, previous: position(UInt64(terms.count), terms.last ?? 0), entries: [],
            commit: LogIndex(rawValue: commit))
        follower.receive(.append(append), from: members[0], in: max(terms.last ?? 0, 1))
        follower.sync()
        return follower
    }

    private func install(_ base: SnapshotBase, in follower: inout TestReplica) {
        let begins = follower.consensus.beginInstalling(base)
        #expect(begins)
        follower.consensus.installed(at: follower.now)
        follower.settle()
    }

    @Test func keepsTheTailThatFollowsOnIt() {
        var follower = follower(terms: [1, 1, 1, 1, 1])
        install(base, in: &follower)
        #expect(follower.consensus.last == position(5, 1))
        #expect(follower.consensus.configuration == base.configuration)
        #expect(follower.consensus.durableIndex.rawValue == 5)
        #expect(follower.writes.last?.write == .base(base))
    }

    @Test func replacesAnotherHistory() {
        var follower = follower(terms: [1, 1, 2, 2, 2])
        install(base, in: &follower)
        #expect(follower.consensus.last == position(3, 1))
        #expect(follower.consensus.commit.rawValue == 3)
    }

    @Test func isAcknowledgedWhenItIsDurable() throws {
        var follower = follower(terms: [])
        follower.receive(.offer(SnapshotOffer(round: 4, base: base)), from: members[0], in: 1)
        #expect(follower.others.last == .fetch(base, from: members[0]))
        install(base, in: &follower)
        let sent = try #require(follower.messages.last)
        #expect(sent.after == follower.writes.last?.number)
        guard case .appended(let answer) = sent.message.body else {
            Issue.record("\(sent.message)")
            return
        }
        #expect(answer.outcome == .matched(through: LogIndex(rawValue: 3)))
        #expect(answer.round == 4)
    }

    @Test func aStaleOneIsRefused() {
        var follower = follower(terms: [1, 1, 1, 1], commit: 4)
        let count = follower.others.count
        follower.receive(.offer(SnapshotOffer(round: 4, base: base)), from: members[0], in: 1)
        #expect(follower.others.count == count)
        let begins = follower.consensus.beginInstalling(base)
        #expect(!begins)
    }

    @Test func nothingElseHappensMeanwhile() {
        var follower = follower(terms: [1])
        let begins = follower.consensus.beginInstalling(base)
        #expect(begins)
        let count = follower.messages.count
        let append = Append(round: 1, previous: position(1, 1), entries: [command(2, 1)], commit: .zero)
        follower.receive(.append(append), from: members[0], in: 1)
        follower.pass(10_000)
        #expect(follower.messages.count == count)
        #expect(follower.consensus.deadline == nil)
    }

    /// The state was flushed, and the process died before the log was told.
    @Test(arguments: [[1], [1, 1, 2, 2], []] as [[UInt64]])
    func whatTheLogHasIsDroppedIfItDoesNotFollowOnTheState(terms: [UInt64]) {
        var state = stored(configuration(voters: 3), terms: terms)
        state.base = base
        let replica = TestReplica(members[1], state)
        #expect(replica.consensus.last == base.position)
        #expect(replica.writes.first?.write == .base(base))
        #expect(replica.consensus.applied.rawValue == 3)
    }

    @Test func whatFollowsOnTheStateIsKeptAtOpening() {
        var state = stored(configuration(voters: 3), terms: [1, 1, 1, 4])
        state.base = base
        let replica = TestReplica(members[1], state)
        #expect(replica.consensus.last == position(4, 4))
        #expect(replica.writes.isEmpty)
    }
}
