/// How a record and the entries in it are laid out.
package enum LogFormat: Equatable, Sendable {
    /// As versions wrote it that had one replica of everything: entries have no term, and a record does not say which
    /// one it follows on.
    case plain
    /// Each record holds the hash of the one before; entries have a term.
    case chained

    /// Bytes before a record's payload.
    package var headerSize: Int { self == .plain ? 40 : 48 }

    /// Bytes before an entry's own.
    var entryHeaderSize: Int { self == .plain ? 16 : 25 }
}
