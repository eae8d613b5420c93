import Consensus

/// Entries of a group that a peer needs and that are only on disk.
struct LogRead: Sendable {
    let lane: LogLane
    let group: LogGroupID
    /// The first one.
    let from: LogIndex
    /// As many as fit into this, and one if there is one.
    let byteCount: Int
    let peer: Member
    /// In which the leader wants them.
    let term: Term

    /// Reads them.
    func answer(from store: any LogStore) -> LogReadAnswer {
        LogReadAnswer(
            group: group, from: from, peer: peer, term: term, previous: previous(in: store.contents[group]),
            entries: entries(in: store))
    }

    /// What the first one follows on; nil when the log does not say so any more.
    private func previous(in contents: LogContents?) -> Position? {
        if from == LogIndex.zero.next, contents?.entries?.lowerBound == from { return .zero }
        return contents?.term(at: from.previous).map { Position(index: from.previous, term: $0) }
    }

    /// What cannot be read is not sent: the peer gets it elsewhere, or does not get it.
    private func entries(in store: any LogStore) -> [Entry] {
        var (entries, bytes) = ([Entry](), 0)
        try? store.read(from: [group: from]) { _, stored in
            guard let entry = Entry(stored), entry.index == from.advanced(by: entries.count) else { return false }
            guard entries.isEmpty || bytes + entry.byteCount <= byteCount else { return false }
            entries.append(entry)
            bytes += entry.byteCount
            return true
        }
        return entries
    }
}

struct LogReadAnswer: Sendable {
    let group: LogGroupID
    let from: LogIndex
    let peer: Member
    let term: Term
    /// What the first entry follows on; nil: the log has let go of that.
    let previous: Position?
    let entries: [Entry]
}
