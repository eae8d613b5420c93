import Consensus

extension World {
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
