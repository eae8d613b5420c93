import Consensus
import Protocol

extension LogSource {
    /// Brings states up to the end of their logs, as far as what is there is final: `apply` gives a state machine its
    /// commands, and what else there is its state passes.
    ///
    /// - Parameters:
    ///   - states: of all groups that the log has entries of.
    ///   - founders: who belongs to a group whose state does not say so.
    ///   - isFinal: whether entries are final where these belong to the group. What comes behind one that may not be is
    ///     not applied either.
    /// - Returns: the entries that were not applied.
    public func replay(
        into states: [LogGroupID: any ReplicatedState], founders: (LogGroupID) -> Configuration,
        isFinal: (Configuration) -> Bool = { _ in true },
        _ apply: (LogGroupID, LogIndex, UnsafeRawBufferPointer) throws -> Void
    ) throws -> [LogGroupID: [Entry]] {
        var held: [LogGroupID: [Entry]] = [:]
        _ = try replay(after: states.mapValues(\.appliedIndex)) { group, stored in
            guard let state = states[group] else { return }
            let members = state.standing?.configuration ?? founders(group)
            if held[group] == nil, stored.kind == .command, isFinal(members) {
                return try apply(group, stored.index, stored.bytes)
            }
            guard let entry = Entry(stored) else { throw LogError.corruption("\(group): entry \(stored.index)") }
            guard held[group] == nil, isFinal(entry.members ?? members) else {
                held[group, default: []].append(entry)
                return
            }
            try state.pass(entry.index, Standing(term: entry.term, configuration: entry.members ?? members))
        }
        return held
    }
}

extension Entry {
    /// Who belongs to the group from it on, if it says so.
    fileprivate var members: Configuration? {
        if case .configuration(let members) = content { members } else { nil }
    }
}
