/// Something to be written to disk. Writes of a group are carried out in order.
public enum Write: Equatable, Sendable {
    case hardState(HardState)
    /// To the end of the log; the first follows directly on the last one there.
    case append([Entry])
    /// The entry at this index and all behind it go.
    case cut(from: LogIndex)
    /// The state machine's state, which is durable already, stands for this now. The log keeps what follows on it, if
    /// it has an entry at the same position or begins right behind it; otherwise it becomes empty, and begins there.
    /// A log that begins further on already was trimmed meanwhile, and stays as it is.
    case base(SnapshotBase)
}
