import Protocol

/// What this process's replica is to a group, as far as clients are concerned.
package enum GroupStanding: Equatable, Sendable {
    /// It leads, in this term, and answers.
    case leads(Term)
    /// Another one does, to which it passes on what comes.
    case isLedElsewhere
    /// Nobody is known to lead.
    case isUnknown
}
