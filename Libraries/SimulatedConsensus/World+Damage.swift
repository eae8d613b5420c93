import Consensus

/// What is lost for good, as far as the atlas allows.
extension World {
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

    func rot(_ node: Node) {
        guard bearsLoss(of: node.member) else { return }
        crash(node)
        noteLoss(of: node)
        node.disk.image.forget(chance.below(20))
        // The hard state may be gone as well.
        if chance.perMille(300) { node.disk.image.hardState = HardState() }
        node.disk.owesDoubt = true
        restart(node)
    }

    func restore(_ node: Node) {
        guard let backup = backups[Int(node.slot.rawValue)], bearsLoss(of: node.member) else { return }
        crash(node)
        noteLoss(of: node)
        node.disk.image = backup
        node.disk.owesDoubt = true
        restart(node)
    }

    /// A learner that nobody takes for a voter comes back with less. Its leader notices, at the latest when it sends
    /// something.
    func loseSilently() {
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

    func wipe(_ node: Node) {
        guard bearsLoss(of: node.member) else { return }
        node.isWiped = true
        crash(node)
        report.counts.wipes += 1
        noteLoss(of: node)
        backups[Int(node.slot.rawValue)] = nil
        // The machine comes back with an empty disk: as somebody else.
        let member = Member(slot: node.slot, incarnation: nextIncarnation())
        add(member, .empty, DiskImage())
        // Often when the group can hardly do without it.
        let others = nodes.compactMap { $0 }.filter {
            $0.isRunning && $0.member != member && $0.consensus.role != .leader
        }
        if chance.perMille(500), !others.isEmpty { cutOff(chance.pick(others), .both, for: Plan.second) }
    }
}
