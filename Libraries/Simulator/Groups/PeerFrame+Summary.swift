import Consensus
import Peers

extension PeerFrame {
    /// What it says, without the contents of entries and states.
    var summary: String {
        switch self {
        case .messages(let messages):
            messages.map { "[\($0.group.rawValue)] term \($0.message.term.rawValue) \($0.summary)" }.joined(
                separator: "; ")
        case .heartbeat(let heartbeat): "heartbeat \(heartbeat.sequence) for \(heartbeat.led.count) groups"
        case .heartbeatAnswer(let answer):
            "heartbeat \(answer.sequence) vouched for in \(answer.vouched.count), not in \(answer.refused.count)"
        case .snapshotRequest(let request):
            "snapshot of [\(request.group.rawValue)] \(request.position), behind \(request.after.count) bytes"
        case .snapshotPart(let part):
            "snapshot of [\(part.group.rawValue)] \(part.position), \(part.pairs.count) pairs"
        case .relayedRequest(let request): "relays \(request.datagram.count) bytes to [\(request.group.rawValue)]"
        case .relayedAnswer(let answer): "relays \(answer.datagram.count) bytes from [\(answer.group.rawValue)]"
        case .relayedCall(let call): "passes on call \(call.number) to [\(call.group.rawValue)]"
        case .relayedReply(let reply): "passes back a reply to call \(reply.number) of [\(reply.group.rawValue)]"
        }
    }
}

extension GroupMessage {
    fileprivate var summary: String {
        switch message.body {
        case .askVote(let request): "asks for votes, log ends at \(request.last), \(request.purpose)"
        case .vote(let answer): "vote \(answer.isGranted) for term \(answer.asked.rawValue)"
        case .append(let append):
            "round \(append.round) \(append.entries.count) entries behind \(append.previous), final \(append.commit)"
        case .appended(let answer): "round \(answer.round) \(answer.outcome), final \(answer.commit)"
        case .takeOver: "take over"
        case .offer(let offer): "round \(offer.round) offers \(offer.base.position)"
        case .forgot(let round, let index): "round \(round) forgot \(index)"
        }
    }
}
