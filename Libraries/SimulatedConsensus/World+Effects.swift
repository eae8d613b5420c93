import Consensus

extension World {
    /// Carries out what a replica wants, looks at how it stands then, and sees to its next tick.
    func settle(_ node: Node) {
        // Effects may lead to more; none of them calls the replica, so once is enough.
        var effects = scratch
        scratch = []
        node.consensus.takeEffects(into: &effects)
        lookAtProgress(of: node)
        for effect in effects {
            if isTroubled, plan.aimedCrashes > 0, chance.below(100_000) < plan.aimedCrashes {
                report.counts.aimedCrashes += 1
                crash(node)
                break
            }
            carryOut(effect, at: node)
        }
        let wereEffects = !effects.isEmpty
        scratch = consume effects
        guard node.isUp else { return }
        if wereEffects { lookAtConfiguration(of: node) }
        startSync(of: node)
        scheduleTick(of: node)
    }

    private func carryOut(_ effect: Effect, at node: Node) {
        switch effect {
        case .write(let number, let write):
            note("\(node.member) writes \(number.rawValue): \(write)")
            lookAt(write, at: node)
            node.disk.write(write, number)
        case .send(let message, let write):
            lookAtWanted(message, by: node)
            if write <= node.reported { send(message, by: node) } else { node.held.append((message, write)) }
        case .deliver(let index): lookAtDelivery(through: index, at: node)
        case .role(let role, let term, let leader): changeRole(of: node, role, term, leader)
        case .serves(let term): lookAtServing(node, term)
        case .readable(let number, let index): confirmRead(number, index, at: node)
        case .heartbeatWanted: sendHeartbeats(of: node)
        case .supply(let peer, let index, let bytes, let term):
            let delay = around(Plan.millisecond)
            let kind = Event.Kind.supply(peer, from: index, bytes: bytes, term: term)
            queue.add(at: now + delay, slot: node.slot.rawValue, life: node.life, kind)
        case .fetch(let base, _): fetch(base, at: node)
        case .recovered: report.counts.recoveries += 1
        }
    }

    private func changeRole(of node: Node, _ role: Role, _ term: Term, _ leader: Member?) {
        note("\(node.member) is \(role) in \(term), leader \(leader.map { "\($0)" } ?? "unknown")")
        if role != .leader { return node.dropClients() }
        report.elections += 1
        node.heardAt = node.heardAt.map { _ in node.clock.read(at: now) }
        judge.elected(node)
        lookAtLeases(besides: node)
    }

    private func scheduleTick(of node: Node) {
        guard let deadline = node.consensus.deadline else { return }
        let time = node.clock.time(of: deadline, from: now)
        if let scheduled = node.tickAt, scheduled <= time { return }
        node.tickAt = time
        queue.add(at: time, slot: node.slot.rawValue, life: node.life, .tick)
    }
}
