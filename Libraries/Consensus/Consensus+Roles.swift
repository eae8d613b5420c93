extension Consensus {
    /// Stops leading or asking, and goes to `term` if that is later; then it has not voted there, unless `vote` says
    /// so.
    mutating func becomeFollower(in term: Term, of leader: Member?, vote: Member? = nil, at now: BootInstant) {
        let isNewTerm = term > self.term
        guard isNewTerm || role != .follower || self.leader != leader || vote != nil else { return }
        if isNewTerm || self.leader != leader {
            followsLeader = false
            offerRound = 0
        }
        if isNewTerm || vote != nil && hardState.vote != vote {
            hardState.term = term
            hardState.vote = vote
            writeHardState()
        }
        if role == .leader { stopLeading(at: now) }
        role = .follower
        self.leader = leader
        effects.append(.role(role, term, leader: leader))
    }

    /// Forgets what only a leader has.
    private mutating func stopLeading(at now: BootInstant) {
        for place in progress.indices { progress[place] = nil }
        isServing = false
        transfer = nil
        reads.removeAll()
        restartCampaignTimer(at: now)
    }

    /// A majority has voted for this replica.
    mutating func becomeLeader(at now: BootInstant) {
        role = .leader
        leader = member
        leadsSince = now
        nextCheck = now + settings.resend
        hasGivenLeaseUp = false
        effects.append(.role(role, term, leader: member))
        for slot in configuration.slots where slot != member.slot { startProgress(of: slot, at: now) }
        // Who has founded a group says so in its first entry: later nobody else could tell who belongs to it.
        let content: Entry.Content = last.index == .zero ? .configuration(configuration) : .beginning
        let beginning = Entry(position: Position(index: last.index.next, term: term), content: content)
        termStart = beginning.index
        append([beginning])
        replicate(at: now)
    }

    /// The peer in `slot` of the configuration in force is served from now on.
    mutating func startProgress(of slot: ReplicaSlot, at now: BootInstant) {
        progress[slot.place] = configuration.member(at: slot).map { Progress($0, next: last.index.next, at: now) }
    }
}
