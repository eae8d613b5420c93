import Consensus

extension World {
    /// The operator looks after the group: makes it as large as it should be, replaces what is lost, and moves things
    /// about.
    func tend() {
        guard isTroubled else { return }
        queue.add(at: now + around(plan.tendPause), .tend)
        let leaders = nodes.compactMap { $0 }.filter { $0.isRunning && $0.consensus.serves }
        guard let newest = leaders.max(by: { $0.consensus.term < $1.consensus.term }) else { return }
        // Who leads no longer is asked as well.
        let leader = chance.perMille(300) ? chance.pick(leaders) : newest
        followWishes()
        if chance.perMille(plan.transferPerMille) {
            transfer(from: leader)
        } else if chance.perMille(plan.offerPerMille) {
            offer(from: leader)
        } else if !replace(at: leader), !grow(at: leader) {
            if chance.perMille(plan.churnPerMille) {
                shrink(at: leader)
            } else if chance.perMille(plan.transferPerMille) {
                wish(at: leader)
            }
        }
    }

    /// Somebody should lead, or nobody in particular any more.
    private func wish(at leader: Node) {
        let slot = chance.perMille(300) ? nil : chance.pick(Array(leader.consensus.configuration.slots))
        change(.wish(slot), at: leader)
    }

    /// As the owners of replicas do now and then.
    private func followWishes() {
        for node in nodes.compactMap({ $0 }) where node.isRunning {
            node.consensus.prefer(node.consensus.configuration.wished ?? preferred)
        }
    }

    private func transfer(from leader: Node) {
        report.steps += 1
        let done: Void? = try? leader.consensus.handOver(
            to: chance.pick(ReplicaSlot.all), at: leader.clock.read(at: now))
        if done != nil { report.counts.transfers += 1 }
        settle(leader)
    }

    /// A snapshot nobody asked for.
    private func offer(from leader: Node) {
        let configuration = leader.consensus.configuration
        guard let base = leader.snapshotBase() else { return }
        for slot in configuration.slots where slot != leader.slot {
            guard let peer = configuration.member(at: slot) else { continue }
            leader.consensus.offer(base, to: peer, in: leader.consensus.term, at: leader.clock.read(at: now))
        }
        report.steps += 1
        settle(leader)
    }

    private func change(_ change: MembershipChange, at leader: Node) {
        report.steps += 1
        _ = try? leader.consensus.change(change, at: leader.clock.read(at: now))
        settle(leader)
    }

    /// Takes out a member that is lost. Says whether there was one.
    private func replace(at leader: Node) -> Bool {
        let configuration = leader.consensus.configuration
        for slot in configuration.slots {
            guard let member = configuration.member(at: slot) else { continue }
            let node = nodes[Int(slot.rawValue)]
            guard node == nil || node?.member != member || node?.isWiped == true else { continue }
            change(.remove(member), at: leader)
            return true
        }
        forgetRemoved(configuration)
        return false
    }

    /// A lost member that nobody goes by any more is no loss.
    private func forgetRemoved(_ configuration: Configuration) {
        judge.losses.removeAll { loss in
            !nodes.contains { node in
                guard let node, !node.isWiped else { return false }
                return node.seen.configurations.contains { $0.configuration.contains(loss.member) }
            } && !configuration.contains(loss.member)
        }
    }

    /// Adds or promotes somebody, if there are too few voters.
    private func grow(at leader: Node) -> Bool {
        let configuration = leader.consensus.configuration
        for slot in configuration.learners {
            guard configuration.voters.count < plan.voters, let learner = configuration.member(at: slot) else { break }
            guard !judge.losses.contains(where: { $0.member == learner }) else { continue }
            change(.promote(learner), at: leader)
            return true
        }
        // One learner more than needed, in some runs for good.
        guard configuration.slots.count < min(plan.voters + (plan.faults.contains(.silentLoss) ? 1 : 0), 5) else {
            return false
        }
        guard configuration.learners.isEmpty, let slot = freeSlot(configuration) else { return false }
        change(.add(machine(in: slot)), at: leader)
        return true
    }

    /// The empty machine that waits in that slot, or a new one.
    private func machine(in slot: ReplicaSlot) -> Member {
        if let waiting = nodes[Int(slot.rawValue)], waiting.isUp, waiting.disk.image.end == .zero {
            return waiting.member
        }
        let member = Member(slot: slot, incarnation: nextIncarnation())
        backups[Int(slot.rawValue)] = nil
        add(member, .empty, DiskImage())
        return member
    }

    /// A slot that nobody who could still vote sits in.
    private func freeSlot(_ configuration: Configuration) -> ReplicaSlot? {
        ReplicaSlot.all.first { slot in
            configuration[slot] == nil && !isInUse(slot)
        }
    }

    private func isInUse(_ slot: ReplicaSlot) -> Bool {
        guard let sitting = nodes[Int(slot.rawValue)], !sitting.isWiped else { return false }
        return nodes.contains { node in
            guard let node, !node.isWiped, node !== sitting else { return false }
            return node.seen.configurations.contains { $0.configuration.contains(sitting.member) }
        }
    }

    /// Removes a healthy voter, if the group can do without it; another is added later.
    private func shrink(at leader: Node) {
        let configuration = leader.consensus.configuration
        guard judge.losses.isEmpty, configuration.slots.count > 1 else { return }
        guard let member = configuration.member(at: chance.pick(Array(configuration.slots))) else { return }
        change(.remove(member), at: leader)
    }
}
