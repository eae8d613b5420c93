import Mutations

/// Heartbeats go from process to process, not from group to group. What they mean to a group is told by the two
/// functions in the middle, one on each side.
extension Consensus {
    /// Whether nobody else can lead at `now`.
    ///
    /// - Parameter now: must have been read after whatever is decided by this has begun: for a read, after its
    /// request came.
    public func hasLease(at now: BootInstant) -> Bool {
        guard role == .leader, !hasGivenLeaseUp, let start = promisedSince else { return false }
        let tested = Mutation.leasesAreTestedAgainstACachedClock.isPlanted ? lastHeard : now
        return tested < start + (Mutation.leasesAreNotShortened.isPlanted ? settings.promise : settings.lease)
    }

    /// On a follower: the process of `leader` says in a heartbeat that it leads this group in `term`.
    ///
    /// - Returns: whether to vouch for it in the answer. Then it is promised to vote for nobody else for a while.
    public mutating func heartbeat(from leader: Member, in term: Term, at now: BootInstant) -> Bool {
        if Mutation.anyFollowerVouches.isPlanted, term <= self.term { return true }
        guard term == self.term, self.leader == leader, role == .follower, installing == nil else { return false }
        // A new term is told only once it is durable.
        guard followsLeader, !isRecovering, writes.durable >= hardStateWrite else { return false }
        if !Mutation.promisesAreNotKept.isPlanted { promiseEnd = max(promiseEnd, now + settings.promise) }
        restartCampaignTimer(at: now)
        return true
    }

    /// On a leader: the process of `peer` has answered a heartbeat.
    ///
    /// - Parameters:
    ///   - term: in which this group was named in the heartbeat.
    ///   - vouches: what `heartbeat` returned there.
    ///   - sentAt: read before the heartbeat was sent.
    public mutating func heartbeatAnswered(
        by peer: Member, in term: Term, vouches: Bool, sentAt: BootInstant, at now: BootInstant
    ) {
        guard role == .leader, term == self.term, var known = progress[peer.slot.place], known.member == peer else {
            return
        }
        guard vouches else {
            // It has restarted or has not heard of this term.
            if now >= known.sentAt + settings.resend, known.mode == .streaming || known.mode == .probing {
                probe(peer.slot, at: now)
            }
            return
        }
        known.heardAt = now
        let start = Mutation.leasesBeginWithTheAnswer.isPlanted ? now : sentAt
        if start > leaseVeto ?? .zero || Mutation.vetoesAreIgnored.isPlanted {
            known.promisedAt = max(known.promisedAt ?? .zero, start)
        }
        progress[peer.slot.place] = known
        confirmReads()
    }

    /// The wall clock has run further than the boot-time clock: this machine may have stood still without knowing.
    /// What was promised before does not count.
    public mutating func voidLease(at now: BootInstant) {
        guard !Mutation.vetoesAreIgnored.isPlanted else { return }
        leaseVeto = max(leaseVeto ?? .zero, now)
        for place in progress.indices { progress[place]?.promisedAt = nil }
    }

    /// A majority promised, for heartbeats sent at this instant or later, to vote for nobody else. This leader is one
    /// of them: it votes for nobody while it leads.
    var promisedSince: BootInstant? {
        var best: BootInstant?
        for slot in voters {
            guard let start = promise(of: slot), start > best ?? .zero else { continue }
            var holders = 0
            for other in voters {
                if let theirs = promise(of: other), theirs >= start { holders += 1 }
            }
            if holders >= voters.majority { best = start }
        }
        return best
    }

    /// The clock that the planted defect goes by.
    private var lastHeard: BootInstant { progress.reduce(.zero) { max($0, $1?.heardAt ?? .zero) } }

    private func promise(of slot: ReplicaSlot) -> BootInstant? {
        slot == member.slot ? .never : progress[slot.place]?.promisedAt
    }
}
