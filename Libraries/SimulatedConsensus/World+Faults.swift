import Consensus

extension World {
    /// One of the plan's faults.
    func breakSomething() {
        guard isTroubled else { return }
        queue.add(at: now + around(plan.faultPause), .fault)
        guard now >= aimEnd else { return }
        let running = nodes.compactMap { $0 }.filter { $0.isRunning }
        guard !running.isEmpty else { return }
        let node = aim(running)
        strike(node, running)
        // Troubles seldom come alone.
        if node.isRunning, chance.perMille(300) { strike(node, running) }
    }

    private func strike(_ node: Node, _ running: [Node]) {
        let span = chance.in(Plan.millisecond...plan.longestFault)
        switch chance.pick(plan.faults) {
        case .crash: crash(node)
        case .powerCut: for node in running { crash(node) }
        case .pause: pause(node, for: span, losingTime: false)
        case .stolenTime: stealTime(from: node, span)
        case .isolation: cutOff(node, chance.pick(Ways.allCases), for: span)
        case .partition: part(for: span)
        case .deafness: network.cut(from: Int(node.slot.rawValue), to: chance.below(5), until: now + span)
        case .slowLinks: slow(node, for: span)
        case .rot: rot(node)
        case .restoredBackup: restore(node)
        case .silentLoss: loseSilently()
        case .wipe: wipe(node)
        case .hangingSync: node.stalledUntil = now + span
        case .lateSync: delaySync(running)
        case .staleTail: leaveTail(running)
        case .rivalry: rival(running)
        case .eclipse: eclipse(running)
        case .lateAnswers: delayAnswers(running)
        }
    }

    // MARK: Aimed at what is hardest to hit

    private func leader(_ running: [Node]) -> Node? { running.first { $0.isRunning && $0.consensus.role == .leader } }

    private func delaySync(_ running: [Node]) {
        guard let leader = leader(running) else { return }
        let span = plan.settings.promise.nanoseconds * 2 + chance.below(Plan.second)
        aimEnd = now + span + 400 * Plan.millisecond
        cutOff(leader, .both, for: span)
        leader.stalledUntil = now + span + chance.below(300 * Plan.millisecond)
    }

    private func leaveTail(_ running: [Node]) {
        guard let leader = leader(running) else { return }
        let span = plan.settings.promise.nanoseconds * 4 + 2 * Plan.second
        aimEnd = now + span + 400 * Plan.millisecond
        cutOff(leader, .inwards, for: span)
        queue.add(
            at: now + chance.below(20 * Plan.millisecond), slot: leader.slot.rawValue, life: leader.life, .cutOff(span))
        for other in running where other !== leader && chance.perMille(500) {
            queue.add(at: now + span / 2, slot: other.slot.rawValue, life: other.life, .end)
        }
    }

    /// The clocks are as bad as they may be: the leader's slow, the others' fast.
    private func setClocks(against leader: Node, _ running: [Node]) {
        for node in running { node.clock.change(drift: node === leader ? -plan.drift : plan.drift, at: now) }
    }

    /// Often long enough for others to go on without it.
    private func stealTime(from node: Node, _ span: UInt64) {
        let isLong = chance.perMille(500)
        pause(node, for: isLong ? plan.settings.promise.nanoseconds * 2 + span : span, losingTime: true)
    }

    private func eclipse(_ running: [Node]) {
        guard let leader = leader(running) else { return }
        let promise = plan.settings.promise.nanoseconds
        setClocks(against: leader, running)
        lullEnd = now + 3 * promise
        aimEnd = lullEnd
        queue.add(
            at: now + chance.below(300 * Plan.millisecond), slot: leader.slot.rawValue, life: leader.life,
            .cutOff(3 * promise))
    }

    private func delayAnswers(_ running: [Node]) {
        guard let leader = leader(running) else { return }
        let own = Int(leader.slot.rawValue)
        let promise = plan.settings.promise.nanoseconds
        lullEnd = now + 3 * promise
        aimEnd = lullEnd
        for other in 0..<5 where other != own { network.slow(from: other, to: own, until: now + 3 * promise) }
        queue.add(
            at: now + chance.below(300 * Plan.millisecond), slot: leader.slot.rawValue, life: leader.life,
            .silence(3 * promise))
    }

    private func rival(_ running: [Node]) {
        guard let leader = leader(running) else { return }
        let others = running.filter { $0 !== leader }
        guard others.count > 1 else { return }
        let rival = chance.pick(others)
        let promise = plan.settings.promise.nanoseconds
        lullEnd = now + 2 * promise
        aimEnd = lullEnd
        network.cut(from: Int(leader.slot.rawValue), to: Int(rival.slot.rawValue), until: now + 2 * promise)
        for other in others where other !== rival && chance.perMille(500) {
            let moment = now + promise / 10 * 9 + chance.below(promise / 5)
            queue.add(at: moment, slot: other.slot.rawValue, life: other.life, .end)
        }
    }

    /// A leader, more often than not.
    private func aim(_ running: [Node]) -> Node {
        if chance.perMille(500), let leader = running.first(where: { $0.consensus.role == .leader }) { return leader }
        return chance.pick(running)
    }

    private enum Ways: CaseIterable {
        case both, outwards, inwards
    }

    private func cutOff(_ node: Node, _ ways: Ways, for span: UInt64) {
        report.counts.cuts += 1
        note("\(node.member) is cut off, \(ways)")
        let own = Int(node.slot.rawValue)
        for other in 0..<5 where other != own {
            if ways != .inwards { network.cut(from: own, to: other, until: now + span) }
            if ways != .outwards { network.cut(from: other, to: own, until: now + span) }
        }
    }

    /// The second half of what was begun before.
    func cutOff(_ node: Node, outwardsOnly: Bool, for span: UInt64) {
        if isTroubled { cutOff(node, outwardsOnly ? .outwards : .both, for: span) }
    }

    /// A process ends, in order or not.
    func end(_ node: Node) {
        guard isTroubled, node.isRunning else { return }
        if chance.perMille(500) { flush(node) }
        crash(node)
    }

    private func slow(_ node: Node, for span: UInt64) {
        let (own, isOutwards) = (Int(node.slot.rawValue), chance.perMille(500))
        for other in 0..<5 where other != own {
            network.slow(from: isOutwards ? own : other, to: isOutwards ? other : own, until: now + span)
        }
    }

    private func part(for span: UInt64) {
        report.counts.cuts += 1
        let sides = chance.next()
        note("the network falls apart")
        for from in 0..<5 {
            for to in 0..<5 where (sides >> UInt64(from) ^ sides >> UInt64(to)) & 1 == 1 {
                network.cut(from: from, to: to, until: now + span)
            }
        }
    }

    // MARK: Damage, as far as the atlas allows

    /// Whether the group could bear the loss of what `member` has acknowledged: in every configuration that anybody
    /// goes by, those without loss outvote the others.
    func bearsLoss(of member: Member) -> Bool {
        if judge.losses.contains(where: { $0.member == member }) { return false }
        var lost = judge.losses.map(\.member)
        lost.append(member)
        return nodes.allSatisfy { node in
            guard let node, !node.isWiped else { return true }
            // What it is told to go by, and what it would go by after a crash or a cut.
            return node.seen.configurations.allSatisfy { version in
                let voters = version.configuration.voters
                let damaged = lost.filter { version.configuration.isVoter($0) }.count
                return damaged == 0 || damaged <= (voters.count - 1) / 2
            }
        }
    }

    private func noteLoss(of node: Node, isKnown: Bool = true) {
        report.counts.doubts += 1
        let loss = Loss(
            member: node.member, acknowledged: node.seen.acknowledged, committed: judge.lastFinal, isKnown: isKnown)
        judge.losses.append(loss)
    }

    private func rot(_ node: Node) {
        guard bearsLoss(of: node.member) else { return }
        crash(node)
        noteLoss(of: node)
        node.disk.image.forget(chance.below(20))
        // The hard state may be gone as well.
        if chance.perMille(300) { node.disk.image.hardState = HardState() }
        node.disk.owesDoubt = true
        restart(node)
    }

    private func restore(_ node: Node) {
        guard let backup = backups[Int(node.slot.rawValue)], bearsLoss(of: node.member) else { return }
        crash(node)
        noteLoss(of: node)
        node.disk.image = backup
        node.disk.owesDoubt = true
        restart(node)
    }

    /// A learner that nobody takes for a voter comes back with less. Its leader notices, at the latest when it sends
    /// something.
    private func loseSilently() {
        let learners = nodes.compactMap { $0 }.filter { node in
            node.isUp && !judge.losses.contains { $0.member == node.member } && !isVoter(node)
        }
        guard !learners.isEmpty else { return }
        let node = chance.pick(learners)
        crash(node)
        noteLoss(of: node, isKnown: false)
        if let backup = backups[Int(node.slot.rawValue)] { node.disk.image = backup }
        node.disk.image.forget(1 + chance.below(20))
        restart(node)
    }

    private func isVoter(_ node: Node) -> Bool {
        nodes.contains { other in
            other?.seen.configurations.contains { $0.configuration.isVoter(node.member) } ?? false
        }
    }

    private func wipe(_ node: Node) {
        guard bearsLoss(of: node.member) else { return }
        node.isWiped = true
        crash(node)
        report.counts.wipes += 1
        noteLoss(of: node)
        backups[Int(node.slot.rawValue)] = nil
        // The machine comes back with an empty disk: as somebody else.
        let member = Member(slot: node.slot, incarnation: nextIncarnation())
        add(member, .empty, DiskImage())
    }

    // MARK: Healing

    /// Nothing breaks any more, and everything that is not lost runs.
    func heal() {
        guard judge.finding == nil else { return }
        note("the trouble is over")
        if plan.faults.contains(.silentLoss) { loseSilently() }
        isTroubled = false
        clientsEnd = now + Self.healing
        network.heal()
        for node in nodes {
            guard let node else { continue }
            if node.isPaused { happen(.resume, at: node) }
            if !node.isUp { restart(node) }
        }
    }

    /// One leader serves, everybody who belongs to the group has applied the same, and nobody is in doubt.
    var isAtRest: Bool {
        let members = nodes.compactMap { $0 }.filter { !$0.isWiped && isMember($0) }
        guard let leader = members.first(where: { $0.consensus.serves }) else { return false }
        return members.allSatisfy {
            $0.consensus.leader == leader.member && $0.applied == leader.applied && $0.applied == judge.lastFinal
                && !$0.consensus.isRecovering && leader.consensus.last.index == $0.applied
        }
    }

    /// Whether the group counts it in, by the newest final configuration.
    func isMember(_ node: Node) -> Bool {
        let newest = nodes.compactMap { $0 }.filter { !$0.isWiped }.max { $0.applied < $1.applied }
        return newest?.appliedConfiguration.contains(node.member) ?? false
    }

    var whatIsUnderWay: String {
        nodes.compactMap { $0 }.map { node in
            let state = node.isWiped ? "wiped" : "\(node.consensus.role) in \(node.consensus.term)"
            return "\(node.member) \(state), applied \(node.applied.rawValue), last \(node.consensus.last)"
                + (node.consensus.isRecovering ? ", in doubt" : "")
        }.joined(separator: "; ")
    }

    /// replicasAgree: at rest, what everybody has on disk is what became final.
    func checkAgreement() {
        for node in nodes {
            guard judge.finding == nil, let node, !node.isWiped, isMember(node) else { continue }
            guard let position = node.disk.image.position(at: node.applied) else { continue }
            judge.require(judge.isFinal(position), "replicasAgree", "\(node.member) has applied \(position)")
        }
    }
}
