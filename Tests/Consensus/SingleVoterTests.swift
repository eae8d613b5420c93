import Consensus
import Testing

/// A group of one voter asks nobody and waits for nothing but its disk.
struct SingleVoterTests {
    @Test func leadsAndCommitsByItsOwnDiskAlone() throws {
        var replica = TestReplica(members[0], .born(members[0]))
        #expect(try #require(replica.consensus.deadline) <= replica.now)
        replica.pass(0)
        #expect(replica.consensus.role == .candidate)
        replica.sync()
        #expect(replica.consensus.role == .leader)
        #expect(replica.consensus.serves)
        let index = try replica.consensus.propose([1, 2, 3], at: replica.now)
        replica.settle()
        #expect(index.rawValue == 2)
        #expect(replica.delivered.rawValue == 1)
        replica.sync()
        #expect(replica.delivered == index)
        #expect(replica.messages.isEmpty)
        #expect(replica.consensus.deadline == nil)
    }

    /// Or a start that does not found the group would not know that it belongs to it.
    @Test func aFounderSaysSoInTheGroupsFirstEntry() throws {
        var replica = TestReplica(members[0], .born(members[0]))
        replica.pass(0)
        replica.sync()
        replica.settle()
        replica.sync()
        let first = try #require(replica.consensus.entry(at: LogIndex(rawValue: 1)))
        #expect(first.content == .configuration(Configuration(born: members[0])))
    }

    @Test func doesNotLeadBeforeItsVoteIsDurable() {
        var replica = TestReplica(members[0], .born(members[0]))
        replica.pass(0)
        replica.pass(1000)
        #expect(replica.consensus.role == .candidate)
    }

    @Test func readsWithoutAsking() throws {
        var replica = TestReplica(members[0], .born(members[0]))
        replica.pass(0)
        replica.sync()
        #expect(try replica.consensus.read(at: replica.now) == .applied(replica.consensus.commit))
        // A veto is about what others promised.
        replica.consensus.voidLease(at: replica.now)
        #expect(replica.consensus.hasLease(at: replica.now))
    }

    @Test func whoOnlyHasANumberWaitsForALeader() {
        var replica = TestReplica(members[0], .empty)
        #expect(replica.consensus.deadline == nil)
        replica.pass(100_000)
        #expect(replica.messages.isEmpty && replica.writes.isEmpty)
    }

    @Test func cannotBeInDoubt() {
        var replica = TestReplica(members[0], .born(members[0]))
        #expect(throws: Consensus.DoubtRefusal.isOnlyVoter) { try replica.consensus.doubt(at: replica.now) }
    }
}
