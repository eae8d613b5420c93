import Consensus
import Protocol

extension StoredState {
    /// What a log holds of a group whose only voter is `member` and whose state has everything that is in the log, or
    /// more, if the log has lost its end.
    ///
    /// - Throws: `corruption` when it is not what this version writes, or the group has other replicas.
    public init(of group: LogGroupID, _ state: any ReplicatedState, _ member: Member, in log: LogContents?)
        throws(LogError)
    {
        let last = state.appliedIndex
        let term = log?.term(at: last) ?? state.standing?.term ?? .zero
        var hardState = HardState()
        if let bytes = log?.hardState {
            guard let stored = HardState(packed: bytes) else { throw .corruption("the hard state of \(group)") }
            hardState = stored
        }
        // A state that was copied without its log knows of later terms.
        if hardState.term < term { hardState = HardState(term: term) }
        let base = SnapshotBase(
            position: Position(index: last, term: term),
            configuration: try Self.configuration(of: group, state.standing?.configuration, member))
        // An empty log begins wherever the state is.
        let reachesBase = log?.entries == nil || log?.term(at: last) == term
        self.init(hardState: hardState, base: base, entries: [], logReachesBase: reachesBase)
    }

    /// Who belongs to the group. A state that came here without its log, from a backup, is another incarnation's: where
    /// that was alone, this one takes its place.
    private static func configuration(
        of group: LogGroupID, _ stored: Configuration?, _ member: Member
    ) throws(LogError) -> Configuration {
        guard let stored else { return Configuration(born: member) }
        guard stored.voters.count == 1, stored.learners.isEmpty, stored.voters.contains(member.slot) else {
            throw .corruption("\(group) has other replicas, which this version cannot reach")
        }
        return stored.contains(member) ? stored : Configuration(born: member)
    }
}
