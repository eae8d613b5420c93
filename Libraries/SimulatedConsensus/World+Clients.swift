import Consensus

extension World {
    /// Somebody proposes something or reads.
    func actAsClient() {
        guard now < clientsEnd else { return }
        var pause = around(isTroubled ? plan.clientPause : 20 * Plan.millisecond)
        if isTroubled, plan.hasLulls, chance.perMille(5) { pause += chance.below(2 * Plan.second) }
        queue.add(at: now + pause, .client)
        guard now >= lullEnd || !isTroubled else { return }
        for node in nodes {
            guard let node, node.isUp, node.consensus.role == .leader else { continue }
            guard !node.isPaused else { continue }
            if chance.perMille(600) { propose(at: node) } else { read(at: node) }
            report.steps += 1
            settle(node)
        }
    }

    private func propose(at node: Node) {
        lastCommand += 1
        var command = withUnsafeBytes(of: lastCommand.littleEndian, Array.init)
        if chance.perMille(100) { command += [UInt8](repeating: 7, count: chance.below(300)) }
        guard let index = try? node.consensus.propose(command, at: node.clock.read(at: now)) else { return }
        judge.require(
            isReady(node), "servesWhenReady", "\(node.member) proposes before it has applied its term's first entry")
        node.proposals.append(Position(index: index, term: node.consensus.term))
    }

    private func read(at node: Node) {
        guard let permission = try? node.consensus.read(at: node.clock.read(at: now)) else { return }
        judge.require(
            isReady(node), "servesWhenReady", "\(node.member) reads before it has applied its term's first entry")
        switch permission {
        case .applied(let index):
            node.reads.append(PendingRead(number: nil, index: index, floor: judge.observed, byLease: true))
        case .confirmed(let number):
            report.counts.unread += 1
            node.reads.append(PendingRead(number: number, index: .limit, floor: judge.observed, byLease: false))
        }
        answerReads(at: node)
    }

    /// A leader that stood still has a request before it knows how late it is.
    func readAtOnce(_ node: Node) {
        guard node.consensus.role == .leader else { return }
        report.steps += 1
        read(at: node)
        settle(node)
    }

    func confirmRead(_ number: ReadNumber, _ index: LogIndex, at node: Node) {
        for place in node.reads.indices where node.reads[place].number == number {
            node.reads[place].number = nil
            node.reads[place].index = index
        }
        answerReads(at: node)
    }

    /// Answers what the state has caught up with.
    func answerReads(at node: Node) {
        guard !node.reads.isEmpty else { return }
        var kept = 0
        for place in node.reads.indices {
            let read = node.reads[place]
            guard read.number == nil, read.index <= node.applied else {
                node.reads[kept] = read
                kept += 1
                continue
            }
            answer(read, at: node)
        }
        node.reads.removeLast(node.reads.count - kept)
    }

    /// linearizableReads: a read shows everything that anybody had seen when it was asked.
    private func answer(_ read: PendingRead, at node: Node) {
        report.reads += 1
        let isExcused = read.byLease && plan.driftIsBeyondBound
        judge.require(
            node.applied >= read.floor || isExcused, "linearizableReads",
            "\(node.member) reads \(node.applied) by \(read.byLease ? "lease" : "asking"), \(read.floor) had been seen"
        )
        judge.answered(node.applied)
    }

    // MARK: Applying

    /// The state machine applies what was delivered.
    func apply(at node: Node, _ clock: BootInstant) {
        node.isApplying = false
        while node.applied < node.consensus.delivered {
            let next = node.applied.next
            guard let entry = node.disk.image.entry(at: next) else { break }
            if case .configuration(let configuration) = entry.content { node.appliedConfiguration = configuration }
            node.applied = next
            answerProposal(entry.position, at: node)
        }
        node.consensus.applied(through: node.applied)
        answerReads(at: node)
        if chance.perMille(plan.flushPerMille) { flush(node) }
    }

    private func answerProposal(_ position: Position, at node: Node) {
        guard let place = node.proposals.firstIndex(of: position) else { return }
        node.proposals.removeFirst(place + 1)
        judge.answered(position.index)
    }

    func scheduleApplying(of node: Node) {
        guard !node.isApplying, node.applied < node.consensus.delivered else { return }
        node.isApplying = true
        let delay = chance.perMille(300) ? chance.below(60 * Plan.millisecond) : chance.below(100_000 as UInt64)
        queue.add(at: now + delay, slot: node.slot.rawValue, life: node.life, .apply)
    }
}
