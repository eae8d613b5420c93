import Mutations

extension Consensus {
    /// Entries of this term's leader.
    mutating func receive(_ append: Append, from leader: Member, at now: BootInstant) {
        var append = append
        guard skipFinal(&append), !contradictsFinal(append) else {
            return acknowledge(through: commit, append.round, to: leader)
        }
        guard log.term(at: append.previous.index) == append.previous.term else {
            return refuse(append, to: leader)
        }
        take(append)
        var end = append.previous.index.advanced(by: append.entries.count)
        if Mutation.moreIsAcknowledgedThanCame.isPlanted { end = last.index }
        let final = Mutation.commitsExceedWhatCame.isPlanted ? min(append.commit, last.index) : min(append.commit, end)
        acknowledge(through: end, append.round, to: leader)
        advanceCommit(to: final)
    }

    /// Takes out what lies before the window, which is final and therefore the same in every log. False: all of it
    /// does.
    private func skipFinal(_ append: inout Append) -> Bool {
        let surplus = log.base.index.rawValue &- append.previous.index.rawValue
        guard append.previous.index < log.base.index else { return true }
        guard UInt64(append.entries.count) >= surplus else { return false }
        append.previous = append.entries[Int(surplus) - 1].position
        append.entries.removeFirst(Int(surplus))
        return true
    }

    /// Whether it would change what is final. No leader sends that; nothing of it is believed.
    private func contradictsFinal(_ append: Append) -> Bool {
        append.entries.contains { $0.index <= commit && log.term(at: $0.index) != $0.term }
    }

    /// Takes the entries that are not there yet, in the place of others.
    private mutating func take(_ append: Append) {
        guard let news = append.entries.firstIndex(where: { log.term(at: $0.index) != $0.term }) else { return }
        let first = append.entries[news].index
        if first <= last.index {
            if Mutation.cutsAreOffByOne.isPlanted, first < last.index {
                cutAllButFirst(append, news)
                return
            }
            cut(from: first)
        }
        self.append(Array(append.entries[news...]))
    }

    /// The planted defect of that name: the first entry in conflict stays.
    private mutating func cutAllButFirst(_ append: Append, _ news: Int) {
        cut(from: append.entries[news].index.next)
        if news + 1 < append.entries.count { self.append(Array(append.entries[(news + 1)...])) }
    }

    /// The answer follows all that was wanted written: what it acknowledges is durable then.
    mutating func acknowledge(through index: LogIndex, _ round: UInt64, to leader: Member) {
        followsLeader = true
        let write = Mutation.acknowledgementsOvertakeTheirWrite.isPlanted ? hardStateWrite : writes.last
        send(.appended(answer(.matched(through: index), round: round)), to: leader, after: write)
    }

    private mutating func refuse(_ append: Append, to leader: Member) {
        let hint = log.lastPosition(upTo: append.previous.index, termAtMost: append.previous.term)
        send(.appended(answer(.conflict(hint: hint, last: last.index), round: append.round)), to: leader)
    }
}
