import Consensus
import Testing

struct LeaderTests {
    @Test func beginsItsTermWithAnEntryOfItsOwn() {
        let leader = leader(terms: [1, 1])
        #expect(leader.consensus.role == .leader)
        #expect(leader.consensus.last == position(3, 2))
        #expect(leader.consensus.commit == .zero)
    }

    /// A majority has index 2 of term 1, but somebody with a later term could still replace it.
    @Test func countsOnlyEntriesOfItsOwnTerm() {
        var leader = leader(terms: [1, 1])
        leader.acknowledge(by: members[1], through: 2)
        #expect(leader.consensus.commit == .zero)
        leader.acknowledge(by: members[1], through: 3)
        #expect(leader.consensus.commit.rawValue == 3)
    }

    @Test func waitsForItsOwnDiskAndAMajority() throws {
        var leader = leader()
        leader.acknowledge(by: members[1], through: 1)
        leader.consensus.applied(through: leader.consensus.delivered)
        let index = try leader.consensus.propose([7], at: leader.now)
        leader.settle()
        leader.acknowledge(by: members[1], through: index.rawValue)
        leader.acknowledge(by: members[2], through: index.rawValue)
        #expect(leader.consensus.commit.rawValue == 1)
        leader.sync()
        #expect(leader.consensus.commit == index)
    }

    @Test func learnersAreNotCounted() {
        var leader = leader(voters: 3, learners: 2)
        leader.acknowledge(by: members[3], through: 1)
        leader.acknowledge(by: members[4], through: 1)
        #expect(leader.consensus.commit == .zero)
    }

    @Test func servesWhenItHasAppliedItsFirstEntry() {
        var leader = leader(terms: [1])
        leader.acknowledge(by: members[1], through: 2)
        #expect(leader.delivered.rawValue == 2)
        #expect(throws: ProposalRefusal.notServing) { try leader.consensus.propose([1], at: leader.now) }
        #expect(throws: ReadRefusal.notServing) { try leader.consensus.read(at: leader.now) }
        leader.consensus.applied(through: LogIndex(rawValue: 1))
        #expect(!leader.consensus.serves)
        leader.consensus.applied(through: LogIndex(rawValue: 2))
        leader.settle()
        #expect(leader.consensus.serves)
        #expect(leader.others.contains(.serves(leader.consensus.term)))
    }

    @Test func streamsWithinTheWindow() throws {
        var settings = Settings.tests
        settings.windowBytes = 200
        var leader = leader(settings: settings)
        leader.acknowledge(by: members[1], through: 1)
        leader.consensus.applied(through: leader.consensus.delivered)
        _ = leader.takeMessages()
        for _ in 0..<10 { _ = try leader.consensus.propose([UInt8](repeating: 1, count: 68), at: leader.now) }
        leader.settle()
        // 100 bytes each: two fill the window. Member 2 has not answered and gets nothing new.
        #expect(leader.messages.filter { $0.message.to == members[1] }.count == 2)
        #expect(leader.messages.filter { $0.message.to == members[2] }.isEmpty)
        leader.acknowledge(by: members[1], through: 2)
        #expect(leader.messages.filter { $0.message.to == members[1] }.count == 3)
    }

    @Test func messagesAreBounded() {
        var settings = Settings.tests
        settings.messageBytes = 100
        var leader = leader(terms: [1, 1, 1, 1, 1, 1], settings: settings)
        let answer = AppendAnswer(
            round: 1, outcome: .conflict(hint: .zero, last: .zero), commit: .zero, doubt: nil)
        leader.receive(.appended(answer), from: members[1], in: 2)
        guard case .append(let append)? = leader.last(to: members[1])?.body else {
            Issue.record("nothing sent")
            return
        }
        #expect(append.previous == .zero)
        #expect(append.entries == [command(1, 1), command(2, 1), command(3, 1)])
    }

    @Test func refusesMoreThanItMayHaveUnderWay() throws {
        var settings = Settings.tests
        settings.proposedBytes = 100
        settings.commandBytes = 1000
        var leader = leader(settings: settings)
        leader.acknowledge(by: members[1], through: 1)
        leader.consensus.applied(through: leader.consensus.delivered)
        #expect(throws: ProposalRefusal.tooLarge) {
            try leader.consensus.propose([UInt8](repeating: 0, count: 1001), at: leader.now)
        }
        _ = try leader.consensus.propose([UInt8](repeating: 0, count: 1000), at: leader.now)
        #expect(throws: ProposalRefusal.windowFull) { try leader.consensus.propose([1], at: leader.now) }
    }

    @Test func asksForWhatItHasLetGoOfAndOffersASnapshotInstead() {
        var leader = leader(terms: [1, 1, 1])
        leader.acknowledge(by: members[1], through: 4)
        leader.consensus.applied(through: leader.consensus.delivered)
        leader.consensus.compact(through: LogIndex(rawValue: 3))
        let answer = AppendAnswer(round: 1, outcome: .conflict(hint: .zero, last: .zero), commit: .zero, doubt: nil)
        leader.receive(.appended(answer), from: members[2], in: 2)
        let term = leader.consensus.term
        #expect(leader.others.last == .supply(members[2], from: LogIndex(rawValue: 1), bytes: 1 << 20, in: term))
        var supplied = leader
        supplied.consensus.supply([command(1, 1)], after: .zero, to: members[2], in: term, at: leader.now)
        supplied.settle()
        #expect(
            supplied.last(to: members[2])?.body
                == .append(
                    Append(
                        round: 2, previous: .zero, entries: [command(1, 1)], commit: LogIndex(rawValue: 4))))
        let base = SnapshotBase(position: position(3, 1), configuration: configuration(voters: 3))
        leader.consensus.offer(base, to: members[2], in: term, at: leader.now)
        leader.settle()
        #expect(leader.last(to: members[2])?.body == .offer(SnapshotOffer(round: 2, base: base)))
        leader.receive(
            .appended(
                AppendAnswer(
                    round: 2, outcome: .matched(through: LogIndex(rawValue: 3)), commit: LogIndex(rawValue: 3),
                    doubt: nil)),
            from: members[2], in: 2)
        #expect(
            leader.last(to: members[2])?.body
                == .append(
                    Append(
                        round: 3, previous: position(3, 1),
                        entries: [Entry(position: position(4, 2), content: .beginning)],
                        commit: LogIndex(rawValue: 4))))
    }

    /// The peer has another entry where this leader's window begins: only what the peer knows to be final surely
    /// agrees.
    @Test func aConflictAtTheWindowsBeginningLeadsBehindIt() {
        var leader = leader(terms: [1, 2, 2])
        leader.acknowledge(by: members[1], through: 4)
        leader.consensus.applied(through: leader.consensus.delivered)
        leader.consensus.compact(through: LogIndex(rawValue: 2))
        let answer = AppendAnswer(
            round: 1, outcome: .conflict(hint: position(2, 1), last: LogIndex(rawValue: 5)),
            commit: LogIndex(rawValue: 1), doubt: nil)
        leader.receive(.appended(answer), from: members[2], in: 3)
        let term = leader.consensus.term
        #expect(leader.others.last == .supply(members[2], from: LogIndex(rawValue: 2), bytes: 1 << 20, in: term))
    }

    @Test func stepsDownWhenItHearsNobody() {
        var leader = leader()
        leader.pass(499)
        #expect(leader.consensus.role == .leader)
        leader.pass(101)
        #expect(leader.consensus.role == .follower)
        #expect(leader.consensus.term.rawValue == 1)
    }

    @Test func stepsDownInALaterTerm() {
        var leader = leader()
        let answer = AppendAnswer(round: 0, outcome: .conflict(hint: .zero, last: .zero), commit: .zero, doubt: nil)
        leader.receive(.appended(answer), from: members[1], in: 9)
        #expect(leader.consensus.role == .follower)
        #expect(leader.consensus.term.rawValue == 9)
    }

    @Test func saysNothingWhenEverybodyHasEverything() {
        var leader = leader()
        for member in members[1...2] {
            let answer = AppendAnswer(
                round: 1, outcome: .matched(through: LogIndex(rawValue: 1)), commit: LogIndex(rawValue: 1),
                doubt: nil)
            leader.receive(.appended(answer), from: member, in: 1)
            leader.receive(.appended(answer), from: member, in: 1)
        }
        _ = leader.takeMessages()
        leader.pass(400)
        #expect(leader.consensus.role == .leader)
        #expect(leader.messages.isEmpty)
    }
}
