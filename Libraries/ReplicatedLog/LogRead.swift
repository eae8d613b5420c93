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
        var answer = LogReadAnswer(group: group, from: from, peer: peer, term: term)
        guard let previous = previous(in: store.contents[group]) else { return answer }
        do {
            answer.entries = try entries(in: store)
            answer.previous = previous
        } catch {
            answer.trouble = "\(error)"
        }
        return answer
    }

    /// What the first one follows on; nil when the log does not hold that, or not the first one any more.
    private func previous(in contents: LogContents?) -> Position? {
        guard let entries = contents?.entries, entries.lowerBound <= from else { return nil }
        if from == LogIndex.zero.next { return .zero }
        return contents?.term(at: from.previous).map { Position(index: from.previous, term: $0) }
    }

    private func entries(in store: any LogStore) throws -> [Entry] {
        var (entries, bytes) = ([Entry](), 0)
        try store.read(from: [group: from]) { _, stored in
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
    /// What the first entry follows on; nil: the log has let go of that, or cannot be read.
    var previous: Position?
    var entries: [Entry] = []
    /// Why it cannot be read.
    var trouble: String?
}
