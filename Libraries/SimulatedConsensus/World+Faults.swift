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

    /// A leader, more often than not.
    private func aim(_ running: [Node]) -> Node {
        if chance.perMille(500), let leader = running.first(where: { $0.consensus.role == .leader }) { return leader }
        return chance.pick(running)
    }

    enum Ways: CaseIterable {
        case both, outwards, inwards
    }

    func cutOff(_ node: Node, _ ways: Ways, for span: UInt64) {
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
}
