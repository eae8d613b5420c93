extension Message {
    /// Whether all in it lies within what a replica can compute with, and fits together. What does not is refused
    /// unread.
    var isPlausible: Bool {
        guard term <= .limit, from.slot != to.slot else { return false }
        switch body {
        case .askVote(let request): return request.last.isPlausible && request.last.term <= term
        case .vote(let answer): return answer.asked <= .limit
        case .append(let append): return append.isPlausible(in: term)
        case .appended(let answer): return answer.isPlausible
        case .offer(let offer): return offer.base.position.isPlausible && offer.base.position.term <= term
        case .forgot(_, let index): return index <= .limit
        case .takeOver: return true
        }
    }
}

extension Append {
    /// Entries follow on each other without gaps, and terms never go back.
    fileprivate func isPlausible(in term: Term) -> Bool {
        guard previous.isPlausible, commit <= .limit else { return false }
        var last = previous
        for entry in entries {
            guard entry.index == last.index.next, entry.term >= last.term else { return false }
            last = entry.position
        }
        return last.isPlausible && last.term <= term
    }
}

extension AppendAnswer {
    fileprivate var isPlausible: Bool {
        guard commit <= .limit else { return false }
        switch outcome {
        case .matched(let index): return index <= .limit
        case .conflict(let hint, let last): return hint.isPlausible && last <= .limit
        }
    }
}
