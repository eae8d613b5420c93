import Consensus
import Protocol

extension GroupMessage {
    /// What a message that has travelled says. Whether it makes sense is for `Consensus` to judge.
    init(_ message: PeerMessage) throws(DecodeError) {
        let header = message.header
        self.init(
            group: header.group,
            message: Message(
                from: try Member(header.from), to: try Member(header.to), term: header.term,
                body: try Message.Body(message.body)))
    }
}

extension Message.Body {
    init(_ body: PeerMessage.Body) throws(DecodeError) {
        switch body {
        case .askVote(let request):
            self = .askVote(VoteRequest(last: request.last, purpose: try VoteRequest.Purpose(request.purpose)))
        case .vote(let answer):
            self = .vote(VoteAnswer(asked: answer.asked, isAsking: answer.isAsking, isGranted: answer.isGranted))
        case .append(let append): self = .append(try Append(append))
        case .appended(let answer): self = .appended(try AppendAnswer(answer))
        case .takeOver: self = .takeOver
        case .offer(let offer):
            self = .offer(SnapshotOffer(round: offer.round, base: try SnapshotBase(record: offer.base)))
        case .forgot(let forgot): self = .forgot(round: forgot.round, acknowledged: forgot.acknowledged)
        }
    }
}

extension VoteRequest.Purpose {
    fileprivate init(_ purpose: VotePurpose) throws(DecodeError) {
        switch purpose {
        case .asking: self = .asking
        case .election: self = .election
        case .transfer: self = .transfer
        default: throw .invalidValue
        }
    }
}

extension Append {
    fileprivate init(_ append: AppendMessage) throws(DecodeError) {
        var entries: [Entry] = []
        entries.reserveCapacity(append.entries.count)
        for entry in append.entries { entries.append(try Entry(entry)) }
        self.init(round: append.round, previous: append.previous, entries: entries, commit: append.commit)
    }
}

extension AppendAnswer {
    fileprivate init(_ answer: AppendedMessage) throws(DecodeError) {
        guard answer.isInDoubt || answer.doubt.rawValue == 0, !answer.isMatch || answer.hint == .zero else {
            throw .invalidValue
        }
        self.init(
            round: answer.round,
            outcome: answer.isMatch
                ? .matched(through: answer.index) : .conflict(hint: answer.hint, last: answer.index),
            commit: answer.commit, doubt: answer.isInDoubt ? answer.doubt : nil)
    }
}
