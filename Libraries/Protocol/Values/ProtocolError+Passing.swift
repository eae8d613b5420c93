extension ProtocolError {
    /// Whether the server could not carry a request out at the moment, whatever it was: nothing was decided about it,
    /// and the same request may well succeed a moment later.
    public var isServerTrouble: Bool {
        self == .timeout || self == .internalError || self == .leaderPreempted
    }

    /// Whether a request was refused because its time, or what it met, is too recent.
    public var isTooEarly: Bool {
        self == .mtimeIsTooRecent || self == .moreRecentSnapshotEdge || self == .moreRecentCurrentEdge
    }
}
