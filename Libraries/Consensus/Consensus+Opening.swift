import Mutations

extension Consensus {
    /// Brings what the disk holds together: the state machine's state may be ahead of the log, or be of another
    /// history.
    mutating func takeOver(_ stored: StoredState) {
        let base = stored.base.position
        if stored.logFollowsItsBase {
            for entry in stored.entries where entry.index > base.index { take(entry) }
            writes = PendingWrites(durableIndex: log.last.index)
        } else if base.index > .zero {
            // The log on disk has to begin behind the state, too.
            effects.append(.write(writes.rebase(to: base.index, keepsTail: false), .base(stored.base)))
        }
    }

    /// Appends to the log in memory; a configuration is in force from then on.
    mutating func take(_ entry: Entry) {
        log.append(entry)
        guard case .configuration(let configuration) = entry.content else { return }
        configurations.append(configuration, at: entry.index)
    }

    /// Appends to the log, and to the one on disk.
    mutating func append(_ entries: [Entry]) {
        for entry in entries { take(entry) }
        effects.append(.write(writes.append(through: log.last.index), .append(entries)))
    }

    /// Takes the entry at `index`, which is in the window, and all behind it out of the log.
    mutating func cut(from index: LogIndex) {
        log.cut(from: index)
        effects.append(.write(writes.cut(from: index), .cut(from: index)))
        guard !Mutation.cutsKeepConfigurations.isPlanted else { return }
        configurations.cut(from: index)
    }

    /// Wants the hard state written; whatever is told from now on waits for it.
    mutating func writeHardState() {
        hardStateWrite = writes.next()
        var stored = hardState
        if Mutation.votesAreNotStored.isPlanted { stored.vote = nil }
        if Mutation.doubtsAreNotStored.isPlanted { stored.doubt = nil }
        effects.append(.write(hardStateWrite, .hardState(stored)))
    }

    /// Sends no sooner than the term is durable.
    ///
    /// - Parameter write: what else it has to wait for.
    mutating func send(_ body: Message.Body, to peer: Member, in term: Term? = nil, after write: WriteNumber = .none) {
        let message = Message(from: member, to: peer, term: term ?? self.term, body: body)
        let awaited = Mutation.messagesOvertakeTheHardState.isPlanted ? write : max(write, hardStateWrite)
        effects.append(.send(message, after: awaited))
    }
}

extension StoredState {
    /// Whether what the log has behind the base follows on it.
    fileprivate var logFollowsItsBase: Bool {
        if logReachesBase { return true }
        guard let first = entries.first, let last = entries.last else { return false }
        guard first.index <= base.position.index.next, last.index >= base.position.index else { return false }
        guard first.index <= base.position.index else { return true }
        return entries.contains { $0.position == base.position }
    }
}
