import Protocol

extension ProtocolError {
    /// Whether the same request may well succeed a moment later: nothing was decided about the namespace. Everything
    /// else is final, codes we do not know included, so that no answer can keep a transaction busy for ever (spec D.6).
    var isTransient: Bool { isServerTrouble || isTooEarly }

    /// Whether an unlock found that the edge is not (any more) the one it was about: a repetition of what was done.
    var meansEdgeIsElsewhere: Bool {
        self == .edgeNotFound || self == .mismatchingCreationTime
    }
}
