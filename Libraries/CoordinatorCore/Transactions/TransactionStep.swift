/// What a transaction asked a shard for. It has at most one request of each step under way.
enum TransactionStep: Hashable {
    /// The newest edge of the name that is to be created.
    case readNewest
    /// The history of a name, or the policies on the way up.
    case readSource
    case createInode
    case createEdge
    case lockSource
    /// Unlocks the source edge, moved away or, when rolling back, where it is.
    case releaseSource
    /// The edge that is to be replaced, and its unlocking when it is not.
    case lockDestination
    case releaseDestination
    case replaceEdge
    case setOwner
    case removeOwner
    /// Unlocks the edge that was created.
    case unlockEdge
    case statTarget
    case statReplaced
    case removeInode
    case removeSnapshotEdge
    case makeTransient
    /// A page of a directory that may hold the edge looked for.
    case scan
}
