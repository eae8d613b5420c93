import Consensus
import Protocol

/// One entry of a group's log, as it was proposed.
public struct LogEntry: Equatable, Sendable {
    public let index: LogIndex
    /// In which it was proposed; 0 while groups have one replica.
    public let term: Term
    public let bytes: [UInt8]

    public init(index: LogIndex, term: Term = .zero, bytes: [UInt8]) {
        self.index = index
        self.term = term
        self.bytes = bytes
    }
}
