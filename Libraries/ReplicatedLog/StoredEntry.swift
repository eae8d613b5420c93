import Consensus

/// An entry where it lies in a log.
public struct StoredEntry {
    public let index: LogIndex
    public let term: Term
    public let kind: LogEntry.Kind
    /// Valid only during the call.
    public let bytes: UnsafeRawBufferPointer
}
