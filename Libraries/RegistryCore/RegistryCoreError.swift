import Protocol
import Store

/// What stops a replica: its disk, its data, or entries from a newer version. Never a reason to refuse a request;
/// refusals are `ProtocolError`s.
public enum RegistryCoreError: Error, Sendable {
    /// The store could not be read or written.
    case store(StoreError)
    /// A stored row is not what this version wrote; the text names the table and what is wrong.
    case corrupt(String)
    /// An entry of a version or kind this build does not know; a newer build wrote it.
    case unknownEntry(version: UInt8, kind: UInt8)
    /// An entry that does not decode.
    case malformedEntry(at: LogIndex)
    /// Entries must come in index order, each once.
    case outOfOrder(index: LogIndex, applied: LogIndex)
}
