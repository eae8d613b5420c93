import Mutations

extension Consensus {
    /// The disk has carried out this write and all before it, and synced them.
    public mutating func persisted(through number: WriteNumber, at now: BootInstant) {
        guard writes.report(through: number) else { return }
        if role == .candidate, number >= hardStateWrite, !votes.contains(member.slot) { countOwnVote(at: now) }
        if role == .leader { advanceLeadersCommit() }
        deliver()
    }

    /// What a majority has on disk is final, if the last of it is of this leader's term: only then can nobody be
    /// elected who lacks it.
    mutating func advanceLeadersCommit() {
        let index = majorityIndex()
        guard index > commit else { return }
        guard log.term(at: index) == term || Mutation.olderTermsAreCounted.isPlanted else { return }
        advanceCommit(to: index)
    }

    /// The last index that a majority of the voters, this leader among them, has on disk.
    private func majorityIndex() -> LogIndex {
        let own = Mutation.ownDiskIsNotAwaited.isPlanted ? last.index : durableIndex
        if Mutation.majoritiesAreNotAwaited.isPlanted { return own }
        var best = LogIndex.zero
        for slot in countedSlots {
            let index = matched(slot, own: own)
            guard index > best, index <= own else { continue }
            var holders = 0
            for other in countedSlots where matched(other, own: own) >= index { holders += 1 }
            if holders >= voters.majority { best = index }
        }
        return best
    }

    private var countedSlots: SlotSet {
        if Mutation.configurationsWaitForTheirCommit.isPlanted {
            return configurations.inForce(at: commit).configuration.voters
        }
        return Mutation.learnersAreCounted.isPlanted ? configuration.slots : voters
    }

    private func matched(_ slot: ReplicaSlot, own: LogIndex) -> LogIndex {
        if slot == member.slot { return own }
        guard let peer = progress[slot.place] else { return .zero }
        return peer.isCounted || Mutation.recoveringAreCounted.isPlanted ? peer.match : .zero
    }

    /// Entries up to `index`, which is in the log, are final.
    mutating func advanceCommit(to index: LogIndex) {
        guard index > commit else { return }
        commit = index
        deliver()
    }

    /// Gives the state machine what is final and on this disk.
    mutating func deliver() {
        let end = Mutation.deliveryIsNotDurable.isPlanted ? commit : min(commit, durableIndex)
        guard end > delivered else { return }
        delivered = end
        effects.append(.deliver(through: end))
        endDoubtIfAnswered()
    }

    /// The state machine has applied everything up to `index`, which was delivered.
    public mutating func applied(through index: LogIndex) {
        applied = max(applied, min(index, delivered))
        serveIfReady()
    }

    /// A leader serves when it has applied the first entry of its term: then it has applied all that was acknowledged
    /// before.
    mutating func serveIfReady() {
        guard role == .leader, !isServing else { return }
        guard applied >= termStart || Mutation.leadersServeAtOnce.isPlanted else { return }
        isServing = true
        effects.append(.serves(term))
    }

    /// Lets go of entries in memory up to `index`. They must have been applied; the owner keeps them on disk for
    /// peers as long as it likes.
    public mutating func compact(through index: LogIndex) {
        let end = min(index, applied)
        guard end > log.base.index, log.contains(end) else { return }
        log.compact(through: end)
        configurations.compact(through: end)
    }

    /// The same for as many that were applied as leaves no more than so many bytes of them.
    public mutating func compact(keeping byteCount: Int) {
        guard applied > log.base.index else { return }
        let held = log.byteCount(after: log.base.index, through: applied)
        // Half of them at a time, as each time costs something.
        guard held > 2 * byteCount else { return }
        var (low, high) = (log.base.index.rawValue, applied.rawValue)
        while low + 1 < high {
            let middle = low + (high - low) / 2
            let rest = log.byteCount(after: LogIndex(rawValue: middle), through: applied)
            if rest > byteCount { low = middle } else { high = middle }
        }
        compact(through: LogIndex(rawValue: high))
    }
}
