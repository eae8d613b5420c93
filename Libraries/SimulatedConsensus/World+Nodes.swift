import Consensus

extension World {
    /// A machine begins to exist.
    func add(_ member: Member, _ stored: StoredState, _ image: DiskImage) {
        // The extremes are what matters.
        let drift = chance.pick([-plan.drift, plan.drift])
        let clock = SimulatedClock(showing: Plan.second + chance.below(Plan.second), drift: drift, at: now)
        let node = Node(
            member, stored, image, clock: clock, life: nextLife(), seed: chance.next(), settings: plan.settings, at: now
        )
        nodes[Int(member.slot.rawValue)] = node
        begin(node)
    }

    private func begin(_ node: Node) {
        report.steps += 1
        node.consensus.prefer(preferred)
        queue.add(at: now + around(100 * Plan.millisecond), slot: node.slot.rawValue, life: node.life, .beat)
        settle(node)
    }

    /// Something happens at a node; if it stands still, it happens when it runs again.
    func happen(_ kind: Event.Kind, at node: Node) {
        switch kind {
        case .resume: return resume(node)
        case .restart: return restart(node)
        case .cutOff(let span): return cutOff(node, outwardsOnly: false, for: span)
        case .silence(let span): return cutOff(node, outwardsOnly: true, for: span)
        case .end: return end(node)
        default: break
        }
        guard node.isUp else { return }
        guard !node.isPaused else { return node.backlog.append(kind) }
        act(kind, at: node)
    }

    private func act(_ kind: Event.Kind, at node: Node) {
        let clock = node.clock.read(at: now)
        switch kind {
        case .message(let message): receive(message, at: node, clock)
        case .heartbeat(let heartbeat): receive(heartbeat, at: node, clock)
        case .heartbeatAnswer(let heartbeat, let vouches): receiveAnswer(heartbeat, vouches, at: node, clock)
        case .tick: tick(node, clock)
        case .beat: beat(node, clock)
        case .synced(let number): return endSync(of: node, through: number)
        case .reported(let number): reportSync(of: node, through: number, clock)
        case .apply: apply(at: node, clock)
        case .supply(let peer, let index, let bytes, let term):
            supply(peer, from: index, bytes, in: term, at: node, clock)
        case .chunk: receiveChunk(at: node)
        case .installed: finishInstalling(at: node, clock)
        case .resume, .restart, .cutOff, .silence, .end, .client, .tend, .fault: break
        }
        report.steps += 1
        settle(node)
    }

    private func tick(_ node: Node, _ clock: BootInstant) {
        node.tickAt = nil
        node.consensus.tick(at: clock)
        lookAtLeadership(of: node, clock)
    }

    private func receive(_ message: Message, at node: Node, _ clock: BootInstant) {
        note("\(node.member) receives \(message)")
        node.heardAt[Int(message.from.slot.rawValue)] = clock
        let term = node.consensus.term
        let isPromised = clock < node.consensus.promisedUntil
        node.consensus.receive(message, at: clock)
        guard case .askVote(let request) = message.body, request.purpose != .transfer, isPromised else { return }
        judge.require(
            node.consensus.term == term, "refusalKeepsTheTerm",
            "\(node.member) leaves \(term) for a vote it must refuse")
    }

    // MARK: Standing still, dying and coming back

    func pause(_ node: Node, for span: UInt64, losingTime: Bool) {
        node.isPaused = true
        if losingTime {
            node.lostTime = true
            node.clock.stop(at: now)
        }
        note("\(node.member) stands still")
        report.counts.pauses += 1
        queue.add(at: now + span, slot: node.slot.rawValue, life: node.life, .resume)
    }

    private func resume(_ node: Node) {
        guard node.isPaused else { return }
        node.isPaused = false
        note("\(node.member) runs again")
        if node.lostTime {
            node.lostTime = false
            node.clock.resume(at: now)
            // The wall clock ran further than this one.
            node.consensus.voidLease(at: node.clock.read(at: now))
        }
        let backlog = node.backlog
        node.backlog.removeAll()
        node.tickAt = nil
        // What a client wanted meanwhile comes first of all: nothing has told this process how late it is.
        readAtOnce(node)
        for kind in backlog where node.isUp { act(kind, at: node) }
        if node.isUp { settle(node) }
    }

    /// The process dies; some of what it had not synced reaches the disk.
    func crash(_ node: Node) {
        guard node.isUp else { return }
        note("\(node.member) dies")
        report.counts.crashes += 1
        let surviving = chance.below(node.disk.unsynced.count + 1)
        judge.require(node.disk.crash(surviving: surviving), "writesFit", "at \(node.member), dying")
        endLosses(of: node)
        node.isUp = false
        node.life = nextLife()
        if node.isPaused, node.lostTime { node.clock.resume(at: now) }
        node.isPaused = false
        node.lostTime = false
        node.backlog.removeAll()
        node.held.removeAll()
        node.snapshot = nil
        node.isApplying = false
        node.tickAt = nil
        node.dropClients()
        guard !node.isWiped else { return }
        let downtime = chance.pick([5, 100, 1000]) * Plan.millisecond
        queue.add(at: now + chance.in(1...downtime), slot: node.slot.rawValue, .restart)
    }

    func restart(_ node: Node) {
        guard !node.isUp, !node.isWiped else { return }
        // The disk or a peer says that something may be lost.
        let isInDoubt = node.disk.owesDoubt
        note("\(node.member) starts\(isInDoubt ? " in doubt" : "")")
        let image = node.disk.image
        let stored = StoredState(
            hardState: image.hardState, base: image.base, entries: image.entries, isInDoubt: isInDoubt)
        node.isUp = true
        node.reported = .none
        let clock = node.clock.read(at: now)
        node.consensus = Consensus(node.member, stored, settings: plan.settings, seed: chance.next(), at: clock)
        node.applied = image.base.position.index
        node.appliedConfiguration = image.base.configuration
        let before = node.seen
        node.seen = Observation()
        node.seen.begin(node.consensus, image)
        node.seen.acknowledged = before.acknowledged
        node.seen.isInDoubt = image.hardState.doubt != nil
        begin(node)
    }
}
