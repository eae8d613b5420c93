import Consensus

/// What the replicas of a group make of its log: a state machine with its state.
public protocol ReplicatedState: AnyObject {
    /// The last entry that is part of the state.
    var appliedIndex: LogIndex { get }
    /// As `pass` was told last; nil if it never was.
    var standing: Standing? { get }

    /// The entry at `index`, which follows on the last one applied, is none of the state machine's: it keeps, in one
    /// batch, that it has applied it, and where the group stands now.
    ///
    /// - Throws: what stops this replica.
    func pass(_ index: LogIndex, _ standing: Standing) throws
}
