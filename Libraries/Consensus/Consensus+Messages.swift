extension Consensus {
    /// A message has come. Whatever it says, nothing traps; what makes no sense is refused in silence.
    public mutating func receive(_ message: Message, at now: BootInstant) {
        guard message.to.isSame(as: member), message.isPlausible, installing == nil else { return }
        let peer = message.from
        if case .askVote(let request) = message.body {
            return receive(request, from: peer, in: message.term, at: now)
        }
        guard message.term >= term || message.body.isAnswerToAsking else { return refuseOutdated(message) }
        if message.body.isFromLeader {
            guard accept(leader: peer, of: message.term, at: now) else { return }
        } else if message.term > term {
            becomeFollower(in: message.term, of: nil, at: now)
        }
        switch message.body {
        case .askVote: break
        case .vote(let answer): receive(answer, from: peer, at: now)
        case .append(let append): receive(append, from: peer, at: now)
        case .appended(let answer): receive(answer, from: peer, at: now)
        case .takeOver: receiveTakeOver(from: peer, at: now)
        case .offer(let offer): receive(offer, from: peer)
        case .forgot(let round, let index): receiveForgot(round, index, from: peer, at: now)
        }
    }

    /// Follows whoever leads. Two leaders of one term cannot be: the second is refused.
    private mutating func accept(leader peer: Member, of term: Term, at now: BootInstant) -> Bool {
        guard term > self.term || leader == nil || leader == peer else { return false }
        becomeFollower(in: term, of: peer, at: now)
        restartCampaignTimer(at: now)
        return true
    }

    /// An outdated leader is told the term, so that it stops leading. The round is nobody's: by the time this comes the
    /// leader may lead in a later term, and count its rounds anew.
    private mutating func refuseOutdated(_ message: Message) {
        guard case .append = message.body else { return }
        send(.appended(answer(.conflict(hint: .zero, last: .zero), round: 0)), to: message.from)
    }

    /// An answer as this replica stands now.
    func answer(_ outcome: AppendAnswer.Outcome, round: UInt64) -> AppendAnswer {
        AppendAnswer(round: round, outcome: outcome, commit: commit, doubt: hardState.doubt)
    }
}

extension Message.Body {
    /// Whether only the leader of the message's term says this.
    var isFromLeader: Bool {
        switch self {
        case .append, .takeOver, .offer, .forgot: true
        case .askVote, .vote, .appended: false
        }
    }
    /// Whether it says who would vote, which the answerer's term has no part in.
    var isAnswerToAsking: Bool {
        if case .vote(let answer) = self { return answer.isAsking }
        return false
    }
}
