import Consensus

extension Replica {
    /// A message of another replica has come.
    func receive(_ message: Message) { step { $0.receive(message, at: $1) } }

    /// Time has passed. Cheap when there is nothing to do.
    func tick(at now: BootInstant) {
        dropUnusedSnapshot(at: now)
        guard failure == nil, let deadline, now >= deadline else { return }
        step { $0.tick(at: $1) }
    }

    /// The process of `leader` says that it leads the group in `term`. Whether to vouch for it.
    func heartbeat(from leader: Member, in term: Term) -> Bool {
        var vouches = false
        step { vouches = $0.heartbeat(from: leader, in: term, at: $1) }
        return vouches
    }

    /// The process of `peer` has answered a heartbeat that was sent at `sentAt`.
    func heartbeatAnswered(by peer: Member, in term: Term, vouches: Bool, sentAt: BootInstant) {
        step { $0.heartbeatAnswered(by: peer, in: term, vouches: vouches, sentAt: sentAt, at: $1) }
    }

    /// What a peer needs was read from the log.
    func supply(_ answer: LogReadAnswer) {
        if let trouble = answer.trouble { lane.onTrouble?("\(id) for \(answer.peer): \(trouble)") }
        guard let previous = answer.previous else { return offerSnapshot(to: answer.peer, in: answer.term) }
        step { $0.supply(answer.entries, after: previous, to: answer.peer, in: answer.term, at: $1) }
    }
}

// MARK: - What operators do

extension Replica {
    /// Begins a change of who belongs to the group.
    public func change(_ change: MembershipChange) throws(MembershipRefusal) {
        guard failure == nil else { throw .notLeader }
        _ = try consensus.change(change, at: lane.now)
        step { _, _ in }
    }

    /// Begins to hand over to the replica in `slot`.
    public func handOver(to slot: ReplicaSlot) throws(TransferRefusal) {
        guard failure == nil else { throw .notLeader }
        try consensus.handOver(to: slot, at: lane.now)
        step { _, _ in }
    }

    /// Who should lead, if that is possible; nil: whoever does.
    public func prefer(_ slot: ReplicaSlot?) { consensus.prefer(slot) }

    public var member: Member { consensus.member }
    public var term: Term { consensus.term }
    public var role: Role { failure == nil ? consensus.role : .follower }
    /// Who leads, if that is known here.
    public var leader: Member? { failure == nil ? consensus.leader : nil }
    /// Who belongs to the group, as far as this replica's log says.
    public var configuration: Configuration { consensus.configuration }
}
