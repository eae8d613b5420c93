import Mutations

extension Consensus {
    /// On a leader, instead of a `supply` that the disk no longer has: what its state machine can give, or be asked
    /// to give, to that peer. Also for a newer one while an older one is on its way.
    public mutating func offer(_ base: SnapshotBase, to peer: Member, in term: Term, at now: BootInstant) {
        guard role == .leader, term == self.term, let known = progress[peer.slot.place], known.member == peer else {
            return
        }
        guard base.position.index <= applied, base.position.index > known.match else {
            // It has caught up meanwhile.
            if known.mode == .supplying { probe(peer.slot, at: now) }
            return
        }
        progress[peer.slot.place]?.mode = .snapshot(base)
        sendOffer(of: base, to: peer.slot, at: now)
    }

    mutating func sendOffer(of base: SnapshotBase, to slot: ReplicaSlot, at now: BootInstant) {
        guard var peer = progress[slot.place] else { return }
        peer.sentAt = now
        peer.round &+= 1
        progress[slot.place] = peer
        send(.offer(SnapshotOffer(round: peer.round, base: base)), to: peer.member)
    }

    /// A leader has a snapshot. What this replica has already it does not fetch.
    mutating func receive(_ offer: SnapshotOffer, from leader: Member) {
        guard offer.base.position.index > commit || Mutation.staleSnapshotsAreTaken.isPlanted else {
            return acknowledge(through: commit, offer.round, to: leader)
        }
        offerRound = offer.round
        effects.append(.fetch(offer.base, from: leader))
    }

    /// A snapshot was fetched, and its state built beside the present one. Says whether it is still wanted; then the
    /// present state gives way, nothing else happens here until `installed`, and that is the only way on.
    public mutating func beginInstalling(_ base: SnapshotBase) -> Bool {
        guard role != .leader, installing == nil else { return false }
        guard base.position.index > commit || Mutation.staleSnapshotsAreTaken.isPlanted else { return false }
        installing = base
        return true
    }

    /// The snapshot's state is in its place, and durable.
    public mutating func installed(at now: BootInstant) {
        guard let base = installing else { return }
        installing = nil
        let index = base.position.index
        let keepsTail = log.term(at: index) == base.position.term && !Mutation.snapshotsDropTheTail.isPlanted
        if keepsTail, log.contains(index) {
            log.compact(through: index)
            // This log may have begun without one.
            configurations.rebase(to: base.configuration, at: index)
        } else {
            log = EntryWindow(base: base.position)
            configurations = ConfigurationHistory(base.configuration, at: index)
        }
        effects.append(.write(writes.rebase(to: index, keepsTail: keepsTail), .base(base)))
        commit = index
        delivered = index
        applied = index
        deliver()
        endDoubtIfAnswered()
        if let leader, leader != member { acknowledge(through: index, offerRound, to: leader) }
        restartCampaignTimer(at: now)
    }
}
