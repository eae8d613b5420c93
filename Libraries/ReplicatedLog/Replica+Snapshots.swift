import Consensus
import Mutations
import Protocol
import Store

/// A peer that lacks what no log has any more fetches the state, in parts, and goes on behind it.
extension Replica {
    // MARK: On the leader

    /// Offers the state as it is now, or as it was when another peer was offered it lately.
    func offerSnapshot(to peer: Member, in term: Term) {
        guard let home, let standing = state.standing else { return lane.lacks(id, peer) }
        if outgoing == nil {
            do {
                let position = Position(index: state.appliedIndex, term: standing.term)
                let base = SnapshotBase(position: position, configuration: standing.configuration)
                outgoing = OutgoingSnapshot(base: base, view: try home.store.view(), usedAt: lane.now)
            } catch {
                return stop(.inputOutput("the state of \(id): \(error)"))
            }
        }
        guard let outgoing else { return }
        step { $0.offer(outgoing.base, to: peer, in: term, at: $1) }
    }

    func receive(_ request: SnapshotRequest, from peer: Member) {
        guard failure == nil, let outgoing, outgoing.base.position == request.position else { return }
        self.outgoing?.usedAt = lane.now
        do {
            let pairs = try outgoing.pairs(after: request.after)
            let part = SnapshotPart(
                group: request.group, position: request.position, after: request.after, pairs: pairs,
                isLast: pairs.isEmpty)
            lane.peers?.send(part, to: peer)
        } catch {
            stop(.inputOutput("the state of \(id): \(error)"))
        }
    }

    /// Lets go of a state that nobody fetches any more.
    func dropUnusedSnapshot(at now: BootInstant) {
        guard let outgoing, now >= outgoing.usedAt + OutgoingSnapshot.patience else { return }
        self.outgoing = nil
    }

    // MARK: On a follower

    /// A leader has a snapshot that this replica needs. Said again and again.
    func fetch(_ base: SnapshotBase, from leader: Member) {
        guard installing == nil else { return }
        if let incoming, incoming.base == base, incoming.leader == leader {
            guard lane.now >= incoming.askedAt + IncomingSnapshot.patience else { return }
            return askForPart()
        }
        guard let home else { return lane.lacks(id, leader) }
        do {
            incoming = IncomingSnapshot(
                base: base, leader: leader, replacement: try home.store.beginReplacing(), askedAt: lane.now)
        } catch {
            return stop(.inputOutput("the state of \(id): \(error)"))
        }
        askForPart()
    }

    private func askForPart() {
        guard let incoming else { return }
        self.incoming?.askedAt = lane.now
        let request = SnapshotRequest(
            group: GroupNumber(rawValue: id.rawValue), position: incoming.base.position, after: incoming.last)
        lane.peers?.send(request, to: incoming.leader)
    }

    func receive(_ part: SnapshotPart, from peer: Member) {
        guard failure == nil, let incoming, incoming.leader == peer, incoming.base.position == part.position,
            part.after == incoming.last
        else { return }
        do throws(StoreError) {
            try incoming.replacement.put(part.pairs.map { StatePair(key: $0.key, value: $0.value) })
        } catch .invalid(let text) {
            // The leader may make another one.
            lane.onTrouble?("\(id): what no state can be comes from \(peer): \(text)")
            self.incoming = nil
            return
        } catch {
            return stop(.inputOutput("the state of \(id): \(error)"))
        }
        if part.isLast { install(incoming) } else { askForPart() }
    }

    /// The state gives way; what it was is made durable before the log is told.
    private func install(_ snapshot: IncomingSnapshot) {
        incoming = nil
        guard let home, consensus.beginInstalling(snapshot.base) else { return }
        installing = snapshot.base
        do {
            try snapshot.replacement.finish()
            let state = try home.open()
            guard state.appliedIndex == snapshot.base.position.index,
                state.standing?.term == snapshot.base.position.term
            else { return stop(.corruption("the snapshot of \(id) is not what was offered")) }
            self.state = state
            delivered = state.appliedIndex
            onReplaced?(state)
        } catch {
            return stop(.inputOutput("the state of \(id): \(error)"))
        }
        if Mutation.snapshotsAreBelievedUnflushed.isPlanted { return flushed() }
        lane.flush(id)
    }

    /// The state that took the other's place is durable.
    func flushed() {
        guard installing != nil else { return }
        installing = nil
        step { $0.installed(at: $1) }
    }
}
