extension Consensus {
    /// When `tick` has something to do; nil: not before something else happens.
    public var deadline: BootInstant? {
        guard installing == nil else { return nil }
        if role == .leader { return progress.allSatisfy { $0 == nil } ? nil : nextCheck }
        return mayCampaign ? max(campaignAt, promiseEnd) : nil
    }

    /// Time has passed.
    public mutating func tick(at now: BootInstant) {
        guard installing == nil else { return }
        if role == .leader {
            guard now >= nextCheck else { return }
            nextCheck = now + settings.resend
            checkLeadership(at: now)
        } else if mayCampaign, now >= campaignAt, now >= promiseEnd {
            askForVotes(at: now)
        }
    }

    /// What a leader does now and then.
    private mutating func checkLeadership(at now: BootInstant) {
        guard hearsQuorum(at: now) else { return becomeFollower(in: term, of: nil, at: now) }
        if let transfer, now >= transfer.end { self.transfer = nil }
        markRecoveries(at: now)
        for slot in configuration.slots { repeatIfUnanswered(to: slot, at: now) }
        handOverToPreferred(at: now)
    }

    /// Whether a majority, with this replica, has shown lately that it follows.
    private func hearsQuorum(at now: BootInstant) -> Bool {
        var heard = 0
        for slot in voters {
            if slot == member.slot { heard += 1 }
            if let peer = progress[slot.place], now < peer.heardAt + settings.promise { heard += 1 }
        }
        return heard >= voters.majority
    }

    /// There was a sign of a leader, or of one to come: nobody is asked for votes until a promise and a random time
    /// have passed. Nobody must wait who is the only voter.
    mutating func restartCampaignTimer(at now: BootInstant) {
        guard !isOnlyVoter else {
            campaignAt = now
            return
        }
        campaignAt = now + settings.promise + campaignDelay()
    }

    mutating func campaignDelay() -> BootSpan {
        let deference = preferred == nil || preferred == member.slot ? BootSpan.zero : settings.deference
        return random.span(in: settings.campaignDelay) + deference
    }
}
