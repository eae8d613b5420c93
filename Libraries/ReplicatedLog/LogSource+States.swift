import Consensus
import Protocol

extension LogSource {
    /// Brings states up to the end of their logs, which must be final: `apply` gives a state machine its commands, and
    /// what else there is its state passes.
    ///
    /// - Parameters:
    ///   - states: of all groups that the log has entries of.
    ///   - founders: who belongs to a group whose state does not say so.
    /// - Returns: the last index of every group.
    public func replay(
        into states: [LogGroupID: any ReplicatedState], founders: Configuration,
        _ apply: (LogGroupID, LogIndex, UnsafeRawBufferPointer) throws -> Void
    ) throws -> [LogGroupID: LogIndex] {
        try replay(after: states.mapValues(\.appliedIndex)) { group, entry in
            guard let state = states[group] else { return }
            switch entry.kind {
            case .command:
                try apply(group, entry.index, entry.bytes)
            case .beginning:
                let members = state.standing?.configuration ?? founders
                try state.pass(entry.index, Standing(term: entry.term, configuration: members))
            case .configuration:
                guard let members = Configuration(packed: entry.bytes) else {
                    throw LogError.corruption("\(group): the configuration at \(entry.index) is not one")
                }
                try state.pass(entry.index, Standing(term: entry.term, configuration: members))
            }
        }
    }
}
