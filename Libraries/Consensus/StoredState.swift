/// What a replica finds on its disk when it opens.
public struct StoredState: Sendable {
    public var hardState: HardState
    /// What the state machine's state stands for.
    public var base: SnapshotBase
    /// The log as it is, in order and without gaps. It may begin before the base, and need not reach it.
    public var entries: [Entry]
    /// Whether the log has the base's entry, or begins behind it: then those up to it may be missing here.
    public var logReachesBase: Bool
    /// Whether the disk may have lost something that was acknowledged, as the disk or a peer says.
    public var isInDoubt: Bool

    public init(
        hardState: HardState, base: SnapshotBase, entries: [Entry], logReachesBase: Bool = false,
        isInDoubt: Bool = false
    ) {
        self.hardState = hardState
        self.base = base
        self.entries = entries
        self.logReachesBase = logReachesBase
        self.isInDoubt = isInDoubt
    }

    /// A disk with nothing on it: it waits for a leader to make it a learner.
    public static let empty = StoredState(hardState: HardState(), base: .nothing, entries: [])

    /// A group that begins to exist, once, by an explicit act.
    public static func born(_ voter: Member) -> StoredState {
        let base = SnapshotBase(position: .zero, configuration: Configuration(born: voter))
        return StoredState(hardState: HardState(), base: base, entries: [])
    }
}
