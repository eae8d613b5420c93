import Consensus

extension World {
    // MARK: What a replica wants

    /// A write is wanted: the log as it will be is compared with all others.
    func lookAt(_ write: Write, at node: Node) {
        switch write {
        case .hardState(let state): lookAtDoubt(state, at: node)
        case .append(let entries):
            guard let first = entries.first else { return judge.find("writesFit", "\(node.member) appends nothing") }
            judge.require(first.index == node.seen.end.next, "writesFit", "\(node.member) appends \(first.position)")
            node.seen.end = node.seen.end.advanced(by: entries.count)
            judge.appended(entries, after: node.consensus.position(at: first.index.previous), by: node.member)
            for entry in entries {
                guard case .configuration(let configuration) = entry.content else { continue }
                lookAtChange(entry, at: node)
                node.seen.configurations.append((entry.index, configuration))
            }
        case .cut(let index):
            judge.require(
                index > node.seen.commitBefore, "finalIsNotCut",
                "\(node.member) cuts from \(index), \(node.seen.commitBefore) was final")
            node.seen.end = index.previous
            node.seen.configurations.removeAll { $0.index >= index }
        case .base(let base):
            node.seen.end = max(node.consensus.last.index, base.position.index)
            node.seen.configurations.removeAll {
                $0.index <= base.position.index || $0.index > node.consensus.last.index
            }
            node.seen.configurations.insert((base.position.index, base.configuration), at: 0)
        }
    }

    /// oneChangeAtATime, changesFollowTheTerm: a leader begins a change when the one before and an entry of its own
    /// term are final.
    private func lookAtChange(_ entry: Entry, at node: Node) {
        // A group's first entry says who has founded it, and changes nothing.
        guard node.consensus.role == .leader, entry.term == node.consensus.term, entry.index.previous > .zero
        else { return }
        report.counts.changes += 1
        // Whom it need not have heard before may make a majority from now on.
        node.heardAt = node.heardAt.map { _ in node.clock.read(at: now) }
        let before = node.seen.configurations.last?.index ?? .zero
        judge.require(
            before <= judge.lastFinal, "oneChangeAtATime",
            "\(node.member) changes at \(entry.index), \(before) is not final")
        judge.require(
            judge.lastFinalTerm >= entry.term, "changesFollowTheTerm",
            "\(node.member) changes at \(entry.index), nothing of \(entry.term) is final")
    }

    /// doubtTakesNoPart: whoever is in doubt asks for no votes and gives none.
    func lookAtWanted(_ message: Message, by node: Node) {
        switch message.body {
        case .askVote:
            judge.require(!node.consensus.isRecovering, "doubtTakesNoPart", "\(node.member), in doubt, asks for votes")
        case .vote(let answer) where answer.isGranted:
            judge.require(!node.consensus.isRecovering, "doubtTakesNoPart", "\(node.member), in doubt, votes")
        case .appended(let answer):
            if case .matched = answer.outcome { node.seen.acknowledgedIn = message.term }
        default: break
        }
    }

    /// A message is sent: what it says must be on the disk.
    func lookAt(_ message: Message, by node: Node) {
        let image = node.disk.image
        switch message.body {
        case .askVote(let request) where request.purpose == .asking: return
        case .vote(let answer) where answer.isGranted && !answer.isAsking:
            judge.voted(node.member, for: message.to, in: message.term)
            let isStored = image.hardState.term > message.term || image.hardState.vote == message.to
            judge.require(isStored, "votesAreDurable", "\(node.member) tells \(message), on disk is \(image.hardState)")
        case .askVote:
            judge.voted(node.member, for: node.member, in: message.term)
        case .appended(let answer):
            if case .matched(let index) = answer.outcome { lookAtAcknowledgement(message, through: index, by: node) }
        default: break
        }
        judge.require(
            image.hardState.term >= message.term, "termsAreDurable",
            "\(node.member) tells \(message), on disk is \(image.hardState)")
    }

    /// leaderHearsMajority: who hears nothing from a majority leads no longer than a promise, and until it looks.
    func lookAtLeadership(of node: Node, _ clock: BootInstant) {
        guard node.consensus.role == .leader else { return }
        let patience = plan.settings.promise + plan.settings.resend + .milliseconds(1)
        let voters = node.consensus.configuration.voters
        let heard = voters.filter { $0 == node.slot || clock < node.heardAt[Int($0.rawValue)] + patience }
        judge.require(heard.count >= voters.majority, "leaderHearsMajority", "\(node.member) leads, and hears \(heard)")
    }

    /// vouchesForWhomItFollows: whoever vouches has acknowledged an append of that term since it started, and its disk
    /// knows the term.
    func lookAtVouching(for heartbeat: Heartbeat, by node: Node) {
        judge.require(
            node.seen.acknowledgedIn == heartbeat.term && node.disk.image.hardState.term == heartbeat.term,
            "vouchesForWhomItFollows", "\(node.member) vouches for \(heartbeat.leader) in \(heartbeat.term)")
    }

    /// acknowledgedIsDurable: what a follower acknowledges is on its disk.
    private func lookAtAcknowledgement(_ message: Message, through index: LogIndex, by node: Node) {
        guard !node.consensus.isRecovering else { return }
        node.seen.acknowledged = max(node.seen.acknowledged, index)
        guard message.term == node.consensus.term else { return }
        let image = node.disk.image
        judge.require(
            max(image.end, image.base.position.index) >= index, "acknowledgedIsDurable",
            "\(node.member) acknowledges \(index), its disk ends at \(image.end)")
    }

    /// appliesOnlyDurable: what is given to the state machine is on this disk, and final.
    func lookAtDelivery(through index: LogIndex, at node: Node) {
        if let position = node.consensus.position(at: index) {
            judge.require(
                node.disk.image.holds(position), "appliesOnlyDurable", "\(node.member) delivers \(position) unsynced")
        }
        scheduleApplying(of: node)
    }

    /// doubtOutlivesCrashes: as long as a replica is in doubt its disk says so.
    private func lookAtDoubt(_ state: HardState, at node: Node) {
        judge.require(
            state.doubt != nil || !node.consensus.isRecovering, "doubtOutlivesCrashes", "\(node.member) writes \(state)"
        )
        if state.doubt == nil, node.seen.isInDoubt { lookAtRecovery(of: node) }
        node.seen.isInDoubt = state.doubt != nil
    }

    /// recoveryIsComplete: whoever recovers from doubt has everything that was final when the doubt began.
    private func lookAtRecovery(of node: Node) {
        for loss in judge.losses where loss.member == node.member {
            let end = node.consensus.delivered
            judge.require(
                end >= loss.committed, "recoveryIsComplete",
                "\(node.member) recovers with \(end), \(loss.committed) was final when it lost something")
        }
        for place in judge.losses.indices where judge.losses[place].member == node.member {
            judge.losses[place].isAnswered = true
        }
    }

    /// A loss is over when the disk has forgotten the doubt: until then it would come back with it.
    func endLosses(of node: Node) {
        guard !judge.losses.isEmpty, node.disk.image.hardState.doubt == nil else { return }
        judge.losses.removeAll { $0.member == node.member && $0.isAnswered }
    }

    /// servesWhenReady: a leader serves when it has applied the first entry of its term.
    func lookAtServing(_ node: Node, _ term: Term) {
        judge.require(
            isReady(node), "servesWhenReady", "\(node.member) serves before it has applied an entry of \(term)")
    }

    func isReady(_ node: Node) -> Bool { node.disk.image.position(at: node.applied)?.term == node.consensus.term }

    /// leaseIsExclusive: when somebody begins to lead, nobody has a lease of an earlier term, by its own clock.
    func lookAtLeases(besides leader: Node) {
        guard !plan.driftIsBeyondBound else { return }
        for node in nodes {
            // Who lost time learns that before it does anything.
            guard let node, node !== leader, node.isUp, !node.lostTime else { continue }
            guard node.consensus.term < leader.consensus.term else { continue }
            let clock = node.clock.read(at: now)
            judge.require(
                !node.consensus.hasLease(at: clock), "leaseIsExclusive",
                "\(node.member) has a lease of \(node.consensus.term); \(leader.member) has \(leader.consensus.term)"
            )
        }
    }

    // MARK: How a replica stands

    /// After every step, before its effects.
    func lookAtProgress(of node: Node) {
        let term = node.consensus.term
        judge.require(term >= node.seen.term, "termsOnlyGrow", "\(node.member) goes from \(node.seen.term) to \(term)")
        node.seen.term = term
        let commit = node.consensus.commit
        node.seen.commitBefore = node.seen.commit
        if commit != node.seen.commit {
            judge.require(
                commit > node.seen.commit, "commitOnlyGrows", "\(node.member) from \(node.seen.commit) to \(commit)")
            judge.committed(node, from: node.seen.commit, among: nodes)
            node.seen.commit = commit
        }
    }

    /// configurationIsTheLogs: the last one in the log is in force, also after a cut.
    func lookAtConfiguration(of node: Node) {
        guard let inForce = node.seen.configurations.last else { return }
        judge.require(
            node.consensus.configuration == inForce.configuration, "configurationIsTheLogs",
            "\(node.member) goes by that at \(node.consensus.configurationIndex), its log has one at \(inForce.index)"
        )
    }
}
