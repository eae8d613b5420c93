import Mutations

extension Consensus {
    /// Whether this replica could be elected.
    var mayCampaign: Bool { configuration.isVoter(member) && !isRecovering && installing == nil }

    /// Asks who would vote for this replica, without beginning a term.
    mutating func askForVotes(at now: BootInstant) {
        guard !isOnlyVoter else { return campaign(.election, at: now) }
        campaignAt = now + settings.resend + campaignDelay()
        followsLeader = false
        role = .asking
        leader = nil
        votes = SlotSet([member.slot])
        effects.append(.role(role, term, leader: nil))
        guard term < .limit else { return }
        request(.asking, in: term.next)
    }

    /// Begins a term and asks for votes in it.
    mutating func campaign(_ purpose: VoteRequest.Purpose, at now: BootInstant) {
        guard term < .limit else { return }
        campaignAt = now + settings.resend + campaignDelay()
        followsLeader = false
        role = .candidate
        leader = nil
        // The own vote counts when it is durable.
        votes = SlotSet()
        hardState.term = term.next
        hardState.vote = member
        writeHardState()
        effects.append(.role(role, term, leader: nil))
        request(purpose, in: term)
    }

    private mutating func request(_ purpose: VoteRequest.Purpose, in term: Term) {
        let request = VoteRequest(last: last, purpose: purpose)
        for slot in voters where slot != member.slot {
            if let peer = configuration.member(at: slot) { send(.askVote(request), to: peer, in: term) }
        }
    }

    mutating func receive(_ request: VoteRequest, from peer: Member, in asked: Term, at now: BootInstant) {
        // Who was never told that it belongs to the group has acknowledged nothing, so nobody counts on its vote; who
        // is in doubt may have voted already.
        guard !configuration.slots.isEmpty, !isRecovering else { return }
        guard asked >= term else { return answer(request, from: peer, in: asked, false) }
        guard !isBound(at: now) || request.purpose == .transfer else {
            if Mutation.refusedVotesRaiseTheTerm.isPlanted, asked > term { becomeFollower(in: asked, of: nil, at: now) }
            return
        }
        let isCurrent = request.last >= last || Mutation.electionsIgnoreLogs.isPlanted
        if request.purpose == .asking { return answer(request, from: peer, in: asked, isCurrent && asked > term) }
        let isFree = asked > term || (leader == nil && (hardState.vote ?? peer) == peer)
        let isGranted = isCurrent && isFree
        if isGranted || asked > term {
            becomeFollower(in: asked, of: nil, vote: isGranted ? peer : nil, at: now)
        }
        if isGranted { restartCampaignTimer(at: now) }
        answer(request, from: peer, in: asked, isGranted)
    }

    /// Whether this replica has to refuse votes: it has promised so, or relies on the promises of others.
    private func isBound(at now: BootInstant) -> Bool {
        if Mutation.promisesAllowVotes.isPlanted { return hasLease(at: now) }
        return now < promiseEnd || hasLease(at: now)
    }

    private mutating func answer(_ request: VoteRequest, from peer: Member, in asked: Term, _ isGranted: Bool) {
        let answer = VoteAnswer(asked: asked, isAsking: request.purpose == .asking, isGranted: isGranted)
        send(.vote(answer), to: peer)
    }

    mutating func receive(_ answer: VoteAnswer, from peer: Member, at now: BootInstant) {
        guard answer.isGranted, configuration.isVoter(peer) else { return }
        if answer.isAsking {
            guard role == .asking, answer.asked == term.next else { return }
        } else {
            guard role == .candidate, answer.asked == term else { return }
        }
        votes.insert(peer.slot)
        countVotes(at: now)
    }

    /// The hard state is durable: the own vote counts now.
    mutating func countOwnVote(at now: BootInstant) {
        votes.insert(member.slot)
        countVotes(at: now)
    }

    private mutating func countVotes(at now: BootInstant) {
        guard votes.intersection(voters).count >= voters.majority else { return }
        if role == .asking { campaign(.election, at: now) } else if role == .candidate { becomeLeader(at: now) }
    }

    /// The leader wants this replica to lead, and has no lease any more.
    mutating func receiveTakeOver(from peer: Member, at now: BootInstant) {
        guard leader == peer, role == .follower, mayCampaign else { return }
        promiseEnd = min(promiseEnd, now)
        campaign(.transfer, at: now)
    }
}
