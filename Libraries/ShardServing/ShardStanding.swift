import Protocol

/// What a replica of a shard is to it, as far as clients are concerned.
enum ShardStanding: Equatable, Sendable {
    /// It leads, in this term, and answers.
    case leads(Term)
    /// Another one does, to which it passes on what comes.
    case isLedElsewhere
    /// Nobody is known to lead.
    case isUnknown
}
