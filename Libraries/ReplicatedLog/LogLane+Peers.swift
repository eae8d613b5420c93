import Consensus
import Protocol

/// A group, a term in which a peer leads it or follows there, and whether it is vouched for.
public struct GroupVote: Equatable, Sendable {
    public let group: LogGroupID
    public let term: Term
    public let vouches: Bool

    public init(group: LogGroupID, term: Term, vouches: Bool) {
        self.group = group
        self.term = term
        self.vouches = vouches
    }
}

extension LogLane {
    /// Messages for its groups have come. From any thread.
    public func receive(_ messages: [(group: LogGroupID, message: Message)]) {
        loop.resume { [self] in
            for (group, message) in messages { groups[group]?.receive(message) }
        }
    }

    /// The process of `leader` says which of its groups it leads. From any thread.
    ///
    /// - Parameter answer: is called on the lane's loop with those that it is vouched for in, and the others. Nobody is
    ///   vouched for by a process whose log stands still.
    public func heartbeat(
        from leader: Member, _ led: [(group: LogGroupID, term: Term)],
        _ answer: @escaping @Sendable ([GroupVote]) -> Void
    ) {
        loop.resume { [self] in
            let standsStill = host.standsStill(at: now)
            answer(
                led.map { group, term in
                    let vouches = groups[group]?.heartbeat(from: leader, in: term) ?? false
                    return GroupVote(group: group, term: term, vouches: vouches && !standsStill)
                })
        }
    }

    /// The process of `peer` has answered a heartbeat that was sent at `sentAt`. From any thread.
    public func heartbeatAnswered(by peer: Member, _ votes: [GroupVote], sentAt: BootInstant) {
        loop.resume { [self] in
            for vote in votes {
                groups[vote.group]?.heartbeatAnswered(
                    by: peer, in: vote.term, vouches: vote.vouches, sentAt: sentAt)
            }
        }
    }

    /// To be called every few hundredths of a second where groups have more than one replica. On the loop.
    public func tick() {
        let now = timeOfLeases
        for replica in replicas { replica.tick(at: now) }
    }

    /// Whether what has to become durable in this process has not moved on for a second: nobody may rely on it then.
    /// From any thread.
    public var standsStill: Bool { host.standsStill(at: now) }

    /// All its replicas, in the order in which they were opened. On the loop.
    public func forEach(_ body: (Replica) -> Void) { for replica in replicas { body(replica) } }

    func note(_ group: LogGroupID, isLedIn term: Term?, followers: SlotSet) {
        peers?.note(group, isLedIn: term, followers: followers)
    }

    func lacks(_ group: LogGroupID, _ peer: Member) { onLack?(group, peer) }

    func flush(_ group: LogGroupID) { onFlush?(group) }

    /// The state of a group is durable, as `onFlush` has asked. On the loop.
    public func flushed(_ group: LogGroupID) { groups[group]?.flushed() }

    /// A peer asks for a part of a snapshot. From any thread.
    public func receive(_ request: SnapshotRequest, from peer: Member) {
        let group = LogGroupID(rawValue: request.group.rawValue)
        loop.resume { [self] in groups[group]?.receive(request, from: peer) }
    }

    /// A part of a snapshot has come. From any thread.
    public func receive(_ part: SnapshotPart, from peer: Member) {
        let group = LogGroupID(rawValue: part.group.rawValue)
        loop.resume { [self] in groups[group]?.receive(part, from: peer) }
    }
}
