import Mutations

extension Consensus {
    /// Sends every peer what it lacks, as far as its window allows.
    mutating func replicate(at now: BootInstant) {
        for slot in configuration.slots { replicate(to: slot, at: now) }
    }

    mutating func replicate(to slot: ReplicaSlot, at now: BootInstant) {
        guard role == .leader, let peer = progress[slot.place], peer.forgotRound == nil else { return }
        switch peer.mode {
        case .probing:
            if !peer.isWaiting { sendNext(to: slot, at: now) }
        case .streaming:
            while let peer = progress[slot.place], peer.next <= last.index, hasRoom(peer) {
                sendNext(to: slot, at: now)
            }
        case .supplying, .snapshot: break
        }
    }

    private func hasRoom(_ peer: Progress) -> Bool {
        guard peer.mode == .streaming else { return false }
        let start = max(peer.match, log.base.index)
        guard peer.next > start.next else { return true }
        return log.byteCount(after: start, through: peer.next.previous) < peer.window ?? settings.windowBytes
    }

    /// Sends the next entries, or none if there are none.
    private mutating func sendNext(to slot: ReplicaSlot, at now: BootInstant) {
        guard let next = progress[slot.place]?.next else { return }
        guard let term = log.term(at: next.previous) else { return askForSupply(of: slot, at: now) }
        let entries = log.entries(after: next.previous, bytes: settings.messageBytes)
        sendAppend(of: entries, after: Position(index: next.previous, term: term), to: slot, at: now)
    }

    private mutating func sendAppend(
        of entries: [Entry], after previous: Position, to slot: ReplicaSlot, at now: BootInstant
    ) {
        guard var peer = progress[slot.place] else { return }
        peer.round &+= 1
        peer.sentAt = now
        peer.isWaiting = true
        peer.next = previous.index.next
        if peer.mode == .streaming { peer.next = peer.next.advanced(by: entries.count) }
        progress[slot.place] = peer
        let append = Append(round: peer.round, previous: previous, entries: entries, commit: commit)
        send(.append(append), to: peer.member)
    }

    /// What the peer needs is no longer in memory.
    private mutating func askForSupply(of slot: ReplicaSlot, at now: BootInstant) {
        guard let peer = progress[slot.place] else { return }
        progress[slot.place]?.mode = .supplying
        effects.append(.supply(peer.member, from: peer.next, bytes: settings.messageBytes, in: term))
    }

    /// Answers a `supply`.
    ///
    /// - Parameters:
    ///   - previous: what the first entry follows on; its index is the one before the index asked for.
    ///   - entries: from this replica's log; they may be none if it has been cut meanwhile.
    ///   - term: the effect's.
    public mutating func supply(
        _ entries: [Entry], after previous: Position, to peer: Member, in term: Term, at now: BootInstant
    ) {
        guard role == .leader, term == self.term, let known = progress[peer.slot.place], known.member == peer else {
            return
        }
        guard known.mode == .supplying else { return }
        progress[peer.slot.place]?.mode = .probing
        sendAppend(of: entries, after: previous, to: peer.slot, at: now)
    }

    /// What was not answered for a time is sent again.
    mutating func repeatIfUnanswered(to slot: ReplicaSlot, at now: BootInstant) {
        guard let peer = progress[slot.place], now >= peer.sentAt + settings.resend else { return }
        if peer.forgotRound != nil { return tellForgotten(slot, at: now) }
        if case .snapshot(let base) = peer.mode { return sendOffer(of: base, to: slot, at: now) }
        guard peer.mode != .supplying, peer.match < last.index || peer.commit < commit else { return }
        probe(slot, at: now)
    }

    /// Finds out anew where the logs agree.
    mutating func probe(_ slot: ReplicaSlot, at now: BootInstant) {
        progress[slot.place]?.probe()
        replicate(to: slot, at: now)
    }

    mutating func receive(_ answer: AppendAnswer, from peer: Member, at now: BootInstant) {
        guard role == .leader, var known = progress[peer.slot.place] else { return }
        guard known.member.isSame(as: peer) else { return }
        guard isOfThisLife(answer, &known) else { return }
        known.heardAt = now
        known.commit = max(known.commit, min(answer.commit, commit))
        progress[peer.slot.place] = known
        switch answer.outcome {
        case .matched(let index): receiveMatch(index, answer.round, at: peer.slot, at: now)
        case .conflict(let hint, let last): receiveConflict(answer, hint, last, at: peer.slot, at: now)
        }
        markRecoveries(at: now)
    }

    private mutating func receiveMatch(
        _ index: LogIndex, _ round: UInt64, at slot: ReplicaSlot, at now: BootInstant
    ) {
        guard index <= last.index, var peer = progress[slot.place], round <= peer.round else { return }
        if index > peer.match {
            peer.match = index
            peer.widen(by: settings.messageBytes, to: settings.windowBytes)
            peer.matchRound = peer.round
            if peer.mode == .supplying { peer.probe() }
        }
        peer.next = max(peer.next, peer.match.next)
        peer.advanceMode()
        progress[slot.place] = peer
        advanceLeadersCommit()
        replicate(to: slot, at: now)
        finishTransfer(at: now)
    }

    private mutating func receiveConflict(
        _ answer: AppendAnswer, _ hint: Position, _ last: LogIndex, at slot: ReplicaSlot, at now: BootInstant
    ) {
        guard var peer = progress[slot.place], answer.round > peer.settledRound, answer.round <= peer.round else {
            return
        }
        if last < peer.match, !Mutation.forgettingIsNotNoticed.isPlanted {
            if answer.round > peer.matchRound { noticeForgetting(of: slot, at: now) }
            return
        }
        let agreed = log.lastPosition(upTo: hint.index, termAtMost: hint.term)
        // Which terms there were before the window is not known; but what the peer knows to be final agrees.
        let isInWindow = hint.index >= log.base.index && agreed.term <= hint.term
        let end = isInWindow ? agreed.index : answer.commit
        peer.settledRound = peer.round
        // What is under way comes in vain, or out of order: less of it, until it is acknowledged again.
        peer.window = settings.messageBytes
        peer.probe()
        peer.next = max(peer.match, min(end, last, self.last.index)).next
        progress[slot.place] = peer
        replicate(to: slot, at: now)
    }
}

extension Progress {
    /// More may be on its way again.
    fileprivate mutating func widen(by bytes: Int, to limit: Int) {
        guard let window else { return }
        self.window = window < limit - bytes ? window + bytes : nil
    }

    /// The peer has acknowledged something in answer.
    fileprivate mutating func advanceMode() {
        switch mode {
        case .probing:
            mode = .streaming
            isWaiting = false
        case .snapshot(let base):
            if match >= base.position.index { probe() }
        case .streaming, .supplying: break
        }
    }
}
