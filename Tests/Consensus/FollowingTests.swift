import Consensus
import Testing

struct FollowingTests {
    private func follower(terms: [UInt64]) -> TestReplica {
        TestReplica(members[1], stored(configuration(voters: 3), terms: terms))
    }

    private func append(_ previous: Position, _ entries: [Entry], commit: UInt64 = 0, round: UInt64 = 1) -> Message.Body
    {
        .append(Append(round: round, previous: previous, entries: entries, commit: LogIndex(rawValue: commit)))
    }

    private func outcome(_ message: Message?) -> AppendAnswer.Outcome? {
        if case .appended(let answer)? = message?.body { return answer.outcome }
        return nil
    }

    @Test func answersWhenWhatCameIsDurable() throws {
        var follower = follower(terms: [1])
        follower.receive(append(position(1, 1), [command(2, 2)]), from: members[0], in: 2)
        let sent = try #require(follower.messages.last)
        #expect(outcome(sent.message) == .matched(through: LogIndex(rawValue: 2)))
        #expect(sent.after == follower.writes.last?.number)
        #expect(follower.writes.last?.write == .append([command(2, 2)]))
    }

    @Test func acknowledgesWhatCameAndNotWhatItHas() {
        var follower = follower(terms: [1, 1, 1, 1])
        follower.receive(append(position(1, 1), [command(2, 1)], commit: 4), from: members[0], in: 2)
        #expect(outcome(follower.messages.last?.message) == .matched(through: LogIndex(rawValue: 2)))
        #expect(follower.consensus.commit.rawValue == 2)
        #expect(follower.writes.allSatisfy { if case .cut = $0.write { false } else { true } })
    }

    @Test func replacesWhatContradicts() {
        var follower = follower(terms: [1, 1, 1])
        follower.receive(append(position(1, 1), [command(2, 2)]), from: members[0], in: 2)
        let written = follower.writes.map(\.write).suffix(2)
        #expect(Array(written) == [.cut(from: LogIndex(rawValue: 2)), .append([command(2, 2)])])
        #expect(follower.consensus.last == position(2, 2))
    }

    @Test func hintsWhereTheLogsMayAgree() {
        var follower = follower(terms: [1, 1, 4, 4])
        follower.receive(append(position(6, 5), []), from: members[0], in: 5)
        #expect(
            outcome(follower.messages.last?.message) == .conflict(hint: position(4, 4), last: LogIndex(rawValue: 4)))
        follower.receive(append(position(4, 3), []), from: members[0], in: 5)
        #expect(
            outcome(follower.messages.last?.message) == .conflict(hint: position(2, 1), last: LogIndex(rawValue: 4)))
    }

    /// Index 2 is written, cut and written again: the report of the first write says nothing about the second.
    @Test func aLateReportOfACutWriteDoesNotCount() {
        var follower = follower(terms: [1])
        follower.receive(append(position(1, 1), [command(2, 2)]), from: members[0], in: 2)
        let first = follower.writes.last!.number
        follower.receive(append(position(1, 1), [command(2, 3)], commit: 2), from: members[2], in: 3)
        let second = follower.writes.last!.number
        follower.consensus.persisted(through: first, at: follower.now)
        follower.settle()
        #expect(follower.consensus.durableIndex.rawValue == 1)
        #expect(follower.delivered.rawValue == 1)
        follower.consensus.persisted(through: second, at: follower.now)
        follower.settle()
        #expect(follower.delivered.rawValue == 2)
    }

    @Test func delegatesNothingToTheStateBeforeItIsDurable() {
        var follower = follower(terms: [1])
        follower.receive(append(position(1, 1), [command(2, 1)], commit: 2), from: members[0], in: 1)
        #expect(follower.consensus.commit.rawValue == 2)
        #expect(follower.delivered.rawValue == 1)
        follower.sync()
        #expect(follower.delivered.rawValue == 2)
    }

    @Test func whatIsFinalIsNeverCut() {
        var follower = follower(terms: [1, 1])
        follower.receive(append(position(2, 1), [], commit: 2), from: members[0], in: 1)
        follower.sync()
        follower.receive(append(position(1, 1), [command(2, 2)]), from: members[2], in: 2)
        #expect(follower.consensus.last == position(2, 1))
    }

    @Test func skipsWhatItHasLetGoOf() {
        var follower = follower(terms: [1, 1, 1])
        follower.receive(append(position(3, 1), [], commit: 3), from: members[0], in: 1)
        follower.sync()
        follower.consensus.applied(through: LogIndex(rawValue: 3))
        follower.consensus.compact(through: LogIndex(rawValue: 2))
        follower.receive(append(.zero, (1...4).map { command($0, 1) }), from: members[0], in: 1)
        #expect(follower.consensus.last == position(4, 1))
        #expect(outcome(follower.messages.last?.message) == .matched(through: LogIndex(rawValue: 4)))
        follower.receive(append(.zero, [command(1, 1)]), from: members[0], in: 1)
        #expect(outcome(follower.messages.last?.message) == .matched(through: LogIndex(rawValue: 3)))
    }

    @Test func aSecondLeaderOfATermIsRefused() {
        var follower = follower(terms: [1])
        follower.receive(append(position(1, 1), []), from: members[0], in: 2)
        let count = follower.messages.count
        follower.receive(append(position(1, 1), [command(2, 2)]), from: members[2], in: 2)
        #expect(follower.messages.count == count)
        #expect(follower.consensus.leader == members[0])
    }

    /// By the time it comes, the outdated leader may count its rounds anew in a later term.
    @Test func anOutdatedLeaderIsToldTheTermAndNoRound() {
        var follower = follower(terms: [3])
        follower.receive(append(position(1, 1), [], round: 7), from: members[0], in: 2)
        guard case .appended(let answer)? = follower.messages.last?.message.body else {
            Issue.record("no answer")
            return
        }
        #expect(answer.round == 0)
        #expect(follower.messages.last?.message.term.rawValue == 3)
    }
}
