import Consensus
import TestSupport
import Testing

/// Peers are authenticated, but may be out of their minds: nothing they say traps, or changes what is final.
struct HostileTests {
    @Test(arguments: 1...40 as ClosedRange<UInt64>)
    func anyMessageIsSurvived(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        var replica =
            random.oneIn(2)
            ? leader(terms: [1, 1]) : TestReplica(members[0], stored(configuration(voters: 3), terms: [1, 1, 2]))
        for _ in 0..<3000 {
            replica.now = replica.now + BootSpan(nanoseconds: random.next() % 300_000_000)
            let commit = replica.consensus.commit
            let final = replica.consensus.position(at: commit)
            let message = Message(
                from: member(&random), to: replica.consensus.member, term: Term(rawValue: number(&random)),
                body: body(&random))
            replica.consensus.receive(message, at: replica.now)
            if random.oneIn(3) { replica.consensus.tick(at: replica.now) }
            replica.settle()
            if random.oneIn(2) { replica.sync() }
            if random.oneIn(4) { replica.consensus.compact(through: LogIndex(rawValue: number(&random))) }
            #expect(replica.consensus.commit >= commit)
            let now = replica.consensus.position(at: commit)
            #expect(now == nil || final == nil || now == final)
        }
    }

    /// Mostly small, now and then at the edges.
    private func number(_ random: inout SeededGenerator) -> UInt64 {
        random.oneIn(20) ? random.pick([0, 1 << 62, (1 << 62) + 1, .max, .max - 1, 1 << 63]) : random.next() % 9
    }

    private func member(_ random: inout SeededGenerator) -> Member {
        Member(slot: random.pick(ReplicaSlot.all), incarnation: Incarnation(rawValue: random.oneIn(8) ? 2 : 1))
    }

    private func position(_ random: inout SeededGenerator) -> Position {
        Position(index: LogIndex(rawValue: number(&random)), term: Term(rawValue: number(&random)))
    }

    private func entries(after previous: Position, _ random: inout SeededGenerator) -> [Entry] {
        var entries: [Entry] = []
        var index = previous.index.next
        for _ in 0..<random.next() % 4 {
            let place = random.oneIn(10) ? position(&random) : Position(index: index, term: previous.term)
            let content = random.oneIn(5) ? Entry.Content.configuration(configuration(voters: 2)) : .command([1])
            entries.append(Entry(position: place, content: content))
            index = index.next
        }
        return entries
    }

    private func body(_ random: inout SeededGenerator) -> Message.Body {
        let index = LogIndex(rawValue: number(&random))
        switch random.next() % 9 {
        case 0:
            return .askVote(
                VoteRequest(last: position(&random), purpose: random.pick([.asking, .election, .transfer])))
        case 1:
            return .vote(
                VoteAnswer(
                    asked: Term(rawValue: number(&random)), isAsking: random.oneIn(2), isGranted: random.oneIn(2)))
        case 2, 3, 4:
            let previous = position(&random)
            return .append(
                Append(
                    round: number(&random), previous: previous, entries: entries(after: previous, &random),
                    commit: index))
        case 5: return .takeOver
        case 6:
            let base = SnapshotBase(position: position(&random), configuration: configuration(voters: 1))
            return .offer(SnapshotOffer(round: number(&random), base: base))
        case 7: return .forgot(round: number(&random), acknowledged: index)
        default:
            let outcome =
                random.oneIn(2)
                ? AppendAnswer.Outcome.matched(through: index) : .conflict(hint: position(&random), last: index)
            let doubt = random.oneIn(5) ? Nonce(rawValue: random.next() % 3) : nil
            return .appended(
                AppendAnswer(
                    round: number(&random), outcome: outcome, commit: LogIndex(rawValue: number(&random)),
                    doubt: doubt))
        }
    }
}
