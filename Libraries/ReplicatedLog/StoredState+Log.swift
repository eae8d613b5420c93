import Consensus
import Mutations
import Protocol

extension StoredState {
    /// What a disk holds of a group.
    ///
    /// - Parameters:
    ///   - state: as far as it was brought up to the log.
    ///   - entries: what the log has behind that.
    ///   - founders: who belongs to a group of which there is nothing.
    /// - Throws: `corruption` when it is not what this version writes.
    public init(
        of group: LogGroupID, _ state: any ReplicatedState, _ member: Member, founders: Configuration,
        in log: LogContents?, behind entries: [Entry]
    ) throws(LogError) {
        let last = state.appliedIndex
        let term = log?.term(at: last) ?? state.standing?.term ?? .zero
        var hardState = HardState()
        if let bytes = log?.hardState, !Mutation.hardStatesAreNotRead.isPlanted {
            do throws(DecodeError) {
                hardState = try HardState(record: bytes)
            } catch {
                throw .corruption("the hard state of \(group): \(error)")
            }
        }
        // A state that was copied without its log knows of later terms.
        if hardState.term < term { hardState = HardState(term: term) }
        let configuration = state.standing?.configuration.taken(over: member) ?? founders
        // An empty log begins wherever the state is.
        let reachesBase = log?.entries == nil || log?.term(at: last) == term
        self.init(
            hardState: hardState,
            base: SnapshotBase(position: Position(index: last, term: term), configuration: configuration),
            entries: entries, logReachesBase: reachesBase)
    }
}

extension Configuration {
    /// A state that came without its log, from a backup, is another incarnation's. Where that was alone, `member` takes
    /// its place.
    func taken(over member: Member) -> Configuration {
        guard voters.count == 1, learners.isEmpty, voters.contains(member.slot) else { return self }
        guard !contains(member) else { return self }
        var alone = Configuration(born: member)
        alone.expelled = expelled
        return alone
    }
}
