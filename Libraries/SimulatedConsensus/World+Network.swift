import Consensus

extension World {
    /// Sends what may be sent now.
    func send(_ message: Message, by node: Node) {
        lookAt(message, by: node)
        transmit(.message(message), from: node.slot, to: message.to.slot)
    }

    private func transmit(_ kind: Event.Kind, from: ReplicaSlot, to: ReplicaSlot) {
        let (sender, receiver) = (Int(from.rawValue), Int(to.rawValue))
        guard !network.isCut(from: sender, to: receiver, at: now), !(isTroubled && chance.perMille(plan.lossPerMille))
        else {
            report.counts.lost += 1
            return
        }
        queue.add(at: now + delay(sender, receiver), slot: to.rawValue, kind)
        guard isTroubled, chance.perMille(plan.duplicationPerMille) else { return }
        queue.add(at: now + delay(sender, receiver), slot: to.rawValue, kind)
    }

    private func delay(_ sender: Int, _ receiver: Int) -> UInt64 {
        var delay = 50_000 + chance.below(UInt64(600_000))
        if network.isSlow(from: sender, to: receiver, at: now) { delay += chance.below(700 * Plan.millisecond) }
        if isTroubled, chance.perMille(plan.latenessPerMille) { delay += chance.below(plan.longestDelay) }
        return delay
    }

    // MARK: Heartbeats of processes

    /// Every 100 ms, by and large.
    func beat(_ node: Node, _ clock: BootInstant) {
        queue.add(at: now + around(100 * Plan.millisecond), slot: node.slot.rawValue, life: node.life, .beat)
        sendHeartbeats(of: node)
    }

    func sendHeartbeats(of node: Node) {
        guard node.consensus.role == .leader else { return }
        let clock = node.clock.read(at: now)
        let configuration = node.consensus.configuration
        for slot in configuration.slots where slot != node.slot {
            guard let peer = configuration.member(at: slot) else { continue }
            let heartbeat = Heartbeat(
                leader: node.member, follower: peer, term: node.consensus.term, sentAt: clock, life: node.life)
            transmit(.heartbeat(heartbeat), from: node.slot, to: slot)
        }
    }

    func receive(_ heartbeat: Heartbeat, at node: Node, _ clock: BootInstant) {
        guard heartbeat.follower == node.member else { return }
        let vouches = node.consensus.heartbeat(from: heartbeat.leader, in: heartbeat.term, at: clock)
        if vouches { lookAtVouching(for: heartbeat, by: node) }
        transmit(.heartbeatAnswer(heartbeat, vouches: vouches), from: node.slot, to: heartbeat.leader.slot)
    }

    func receiveAnswer(_ heartbeat: Heartbeat, _ vouches: Bool, at node: Node, _ clock: BootInstant) {
        guard heartbeat.leader == node.member, heartbeat.life == node.life else { return }
        node.heardAt[Int(heartbeat.follower.slot.rawValue)] = clock
        node.consensus.heartbeatAnswered(
            by: heartbeat.follower, in: heartbeat.term, vouches: vouches, sentAt: heartbeat.sentAt, at: clock)
    }
}
