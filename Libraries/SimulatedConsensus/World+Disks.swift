import Consensus

extension World {
    /// Begins a sync of all that waits, unless one is under way.
    func startSync(of node: Node) {
        guard !node.disk.isSyncing, let number = node.disk.lastWritten else { return }
        node.disk.isSyncing = true
        let span = isTroubled ? plan.longestSync : Plan.millisecond
        let start = isTroubled ? max(now, node.stalledUntil) : now
        queue.add(
            at: start + 20_000 + chance.below(span), slot: node.slot.rawValue, life: node.life, .synced(through: number)
        )
    }

    /// What was wanted up to `number` is on the medium; the process hears of it now or later.
    func endSync(of node: Node, through number: WriteNumber) {
        node.disk.isSyncing = false
        judge.require(node.disk.sync(through: number), "writesFit", "at \(node.member)")
        endLosses(of: node)
        let delay = isTroubled && chance.perMille(300) ? chance.below(10 * Plan.millisecond) : 0
        queue.add(at: now + delay, slot: node.slot.rawValue, life: node.life, .reported(through: number))
        startSync(of: node)
    }

    /// The process hears of a sync: what waited for it is sent.
    func reportSync(of node: Node, through number: WriteNumber, _ clock: BootInstant) {
        // Reports may overtake each other; the later one says all.
        node.reported = max(node.reported, number)
        node.consensus.persisted(through: number, at: clock)
        var kept = 0
        for place in node.held.indices {
            let held = node.held[place]
            if held.after <= node.reported {
                send(held.message, by: node)
            } else {
                node.held[kept] = held
                kept += 1
            }
        }
        node.held.removeLast(node.held.count - kept)
    }

    /// The state machine's state goes to disk, and the log before it in part.
    func flush(_ node: Node) {
        guard node.snapshot?.isInstalling != true, let base = node.snapshotBase() else { return }
        node.disk.image.base = base
        let index = base.position.index.rawValue
        // In the order of the writes: until a base is durable, what it replaces is all there is to tell that from the rest.
        if index > plan.retention, !node.disk.awaitsBase {
            node.disk.image.trim(through: LogIndex(rawValue: index - plan.retention))
        }
        node.consensus.compact(through: LogIndex(rawValue: index - min(index, chance.below(UInt64(4)))))
        if chance.perMille(100) { backups[Int(node.slot.rawValue)] = node.disk.image }
    }

    // MARK: What peers lack

    func supply(
        _ peer: Member, from index: LogIndex, _ bytes: Int, in term: Term, at node: Node, _ clock: BootInstant
    ) {
        let image = node.disk.image
        if let previous = image.logPosition(at: index.previous) {
            var entries: [Entry] = []
            var size = 0
            var next = index
            while let entry = image.entry(at: next), entries.isEmpty || size + entry.byteCount <= bytes {
                entries.append(entry)
                size += entry.byteCount
                next = next.next
            }
            node.consensus.supply(entries, after: previous, to: peer, in: term, at: clock)
        } else if let base = node.snapshotBase() {
            node.consensus.offer(base, to: peer, in: term, at: clock)
        }
    }

    /// Begins to fetch a snapshot, or goes on.
    func fetch(_ base: SnapshotBase, at node: Node) {
        if let incoming = node.snapshot, incoming.isInstalling || incoming.base == base && incoming.isMoving { return }
        let left = node.snapshot?.base == base ? node.snapshot?.chunksLeft : nil
        node.snapshot = IncomingSnapshot(base: base, chunksLeft: left ?? 1 + chance.below(4), isMoving: true)
        queue.add(at: now + around(plan.chunkPause), slot: node.slot.rawValue, life: node.life, .chunk)
    }

    func receiveChunk(at node: Node) {
        guard var incoming = node.snapshot, incoming.isMoving else { return }
        incoming.chunksLeft -= 1
        // Cut off now and then: the leader offers it again.
        incoming.isMoving = !(isTroubled && chance.perMille(150))
        if incoming.chunksLeft > 0 {
            node.snapshot = incoming
            guard incoming.isMoving else { return }
            queue.add(at: now + around(plan.chunkPause), slot: node.slot.rawValue, life: node.life, .chunk)
        } else {
            install(incoming.base, at: node)
        }
    }

    /// The state is there, is put in the old one's place, and flushed.
    private func install(_ base: SnapshotBase, at node: Node) {
        node.snapshot = nil
        judge.require(judge.isFinal(base.position), "snapshotIsFinal", "\(node.member) gets \(base.position)")
        guard node.consensus.beginInstalling(base) else { return }
        report.counts.snapshots += 1
        node.snapshot = IncomingSnapshot(base: base, chunksLeft: 0, isMoving: false, isInstalling: true)
        node.applied = base.position.index
        node.appliedConfiguration = base.configuration
        node.disk.image.base = base
        // The log does not know of it yet.
        if isTroubled, chance.perMille(100) {
            queue.add(at: now + chance.below(4 * Plan.millisecond), slot: node.slot.rawValue, life: node.life, .end)
        }
        queue.add(at: now + around(3 * Plan.millisecond), slot: node.slot.rawValue, life: node.life, .installed)
    }

    func finishInstalling(at node: Node, _ clock: BootInstant) {
        node.snapshot = nil
        node.consensus.installed(at: clock)
    }
}
