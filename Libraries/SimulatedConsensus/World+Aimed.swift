import Consensus

/// Faults that aim at what is hardest to hit.
extension World {
    private func leader(_ running: [Node]) -> Node? { running.first { $0.isRunning && $0.consensus.role == .leader } }

    func delaySync(_ running: [Node]) {
        guard let leader = leader(running) else { return }
        let span = plan.settings.promise.nanoseconds * 2 + chance.below(Plan.second)
        aimEnd = now + span + 400 * Plan.millisecond
        cutOff(leader, .both, for: span)
        leader.stalledUntil = now + span + chance.below(300 * Plan.millisecond)
    }

    func leaveTail(_ running: [Node]) {
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
    func stealTime(from node: Node, _ span: UInt64) {
        let isLong = chance.perMille(500)
        pause(node, for: isLong ? plan.settings.promise.nanoseconds * 2 + span : span, losingTime: true)
    }

    func eclipse(_ running: [Node]) {
        guard let leader = leader(running) else { return }
        let promise = plan.settings.promise.nanoseconds
        setClocks(against: leader, running)
        lullEnd = now + 3 * promise
        aimEnd = lullEnd
        queue.add(
            at: now + chance.below(300 * Plan.millisecond), slot: leader.slot.rawValue, life: leader.life,
            .cutOff(3 * promise))
    }

    func delayAnswers(_ running: [Node]) {
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

    func rival(_ running: [Node]) {
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
}
