/// Which frames wait for which: each kind has room of its own, so that none keeps the others out.
public enum FramePriority: Int, CaseIterable, Sendable {
    /// Does not wait for others: what it says is only worth something now.
    case urgent
    case ordinary
    /// What is passed on for clients. They ask again, and however many they are, the groups go on.
    case relayed
}
