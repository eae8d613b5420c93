import Consensus
import Protocol

/// What is written into a log for a group. Items of a group mean what they mean in the order in which they come.
public enum LogItem: Equatable, Sendable {
    /// The next entry, or another one in place of an earlier one: then that and all behind it are gone.
    case entry(LogEntry)
    /// The entry at this index and all behind it are gone.
    case cut(from: LogIndex)
    /// What a replica has to know again after a crash, besides its log; the earlier one is gone.
    case hardState([UInt8])
    /// The state of the group stands for this now, and is durable.
    case base(LogBase)
}

/// What a state stands for that did not come to be by this log: everything up to a position.
public struct LogBase: Equatable, Sendable {
    public let index: LogIndex
    public let term: Term
    /// What else has to be known about it.
    public let bytes: [UInt8]

    public init(index: LogIndex, term: Term, bytes: [UInt8]) {
        self.index = index
        self.term = term
        self.bytes = bytes
    }
}

/// An item where it lies in a record.
struct PackedItem {
    enum Kind: UInt8 {
        // As `LogEntry.Kind`.
        case command = 1
        case beginning = 2
        case configuration = 3
        case cut = 16
        case hardState = 17
        case base = 18
        /// What follows in this record are the newest hard states and bases of all groups that have any.
        case summary = 19

        var isEntry: Bool { rawValue < Kind.cut.rawValue }
    }

    let kind: Kind
    let group: LogGroupID
    let index: LogIndex
    let term: Term
    /// Valid only during the call.
    let bytes: UnsafeRawBufferPointer

    /// The base, if it is one.
    var base: LogBase? {
        kind == .base ? LogBase(index: index, term: term, bytes: [UInt8](bytes)) : nil
    }

    /// The entry, if it is one.
    var stored: StoredEntry? {
        LogEntry.Kind(rawValue: kind.rawValue).map { StoredEntry(index: index, term: term, kind: $0, bytes: bytes) }
    }

    /// The entry for as long as it is wanted, if it is one.
    var entry: LogEntry? {
        stored.map { LogEntry(index: $0.index, term: $0.term, kind: $0.kind, bytes: [UInt8]($0.bytes)) }
    }
}
