import Consensus
import Protocol

extension PeerMessage {
    /// The message as it travels.
    init(_ message: GroupMessage) throws(EncodeError) {
        let body = try Body(message.message.body)
        self.init(
            header: PeerMessageHeader(
                group: message.group, from: PeerMember(message.message.from), to: PeerMember(message.message.to),
                term: message.message.term, kind: body.kind),
            body: body)
    }
}

extension PeerMessage.Body {
    init(_ body: Message.Body) throws(EncodeError) {
        switch body {
        case .askVote(let request):
            self = .askVote(AskVoteMessage(last: request.last, purpose: VotePurpose(request.purpose)))
        case .vote(let answer):
            self = .vote(VoteMessage(asked: answer.asked, isAsking: answer.isAsking, isGranted: answer.isGranted))
        case .append(let append): self = .append(try AppendMessage(append))
        case .appended(let answer): self = .appended(AppendedMessage(answer))
        case .takeOver: self = .takeOver(TakeOverMessage())
        case .offer(let offer): self = .offer(OfferMessage(round: offer.round, base: try offer.base.record()))
        case .forgot(let round, let acknowledged):
            self = .forgot(ForgotMessage(round: round, acknowledged: acknowledged))
        }
    }

    /// What a header says of it.
    fileprivate var kind: MessageKind {
        switch self {
        case .askVote: .askVote
        case .vote: .vote
        case .append: .append
        case .appended: .appended
        case .takeOver: .takeOver
        case .offer: .offer
        case .forgot: .forgot
        }
    }
}

extension VotePurpose {
    fileprivate init(_ purpose: VoteRequest.Purpose) {
        switch purpose {
        case .asking: self = .asking
        case .election: self = .election
        case .transfer: self = .transfer
        }
    }
}

extension AppendMessage {
    fileprivate init(_ append: Append) throws(EncodeError) {
        var entries: [PeerEntry] = []
        entries.reserveCapacity(append.entries.count)
        for entry in append.entries { entries.append(try PeerEntry(entry)) }
        self.init(round: append.round, previous: append.previous, commit: append.commit, entries: entries)
    }
}

extension AppendedMessage {
    fileprivate init(_ answer: AppendAnswer) {
        let (isMatch, index, hint) =
            switch answer.outcome {
            case .matched(let through): (true, through, Position.zero)
            case .conflict(let hint, let last): (false, last, hint)
            }
        self.init(
            round: answer.round, isMatch: isMatch, index: index, hint: hint, commit: answer.commit,
            isInDoubt: answer.doubt != nil, doubt: answer.doubt ?? Nonce(rawValue: 0))
    }
}
