import Consensus
import Protocol

/// One entry of a group's log.
public struct LogEntry: Equatable, Sendable {
    public enum Kind: UInt8, Sendable {
        /// What was proposed, for the state machine.
        case command = 1
        /// What a leader begins its term with.
        case beginning = 2
        /// Who belongs to the group, from this entry on.
        case configuration = 3
    }

    public let index: LogIndex
    /// In which it was proposed; 0 while groups have one replica.
    public let term: Term
    public let kind: Kind
    public let bytes: [UInt8]

    public init(index: LogIndex, term: Term = .zero, kind: Kind = .command, bytes: [UInt8]) {
        self.index = index
        self.term = term
        self.kind = kind
        self.bytes = bytes
    }
}
