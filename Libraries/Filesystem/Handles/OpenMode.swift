/// What open(2) was asked for.
public struct OpenMode: Sendable {
    public var reads: Bool
    public var writes: Bool
    /// O_APPEND
    public var appends: Bool
    /// O_TRUNC; counts only with `writes`.
    public var truncates: Bool
    /// O_EXCL
    public var isExclusive: Bool
    /// O_NOATIME
    public var leavesAccessTime: Bool

    public init(
        reads: Bool = false, writes: Bool = false, appends: Bool = false, truncates: Bool = false,
        isExclusive: Bool = false, leavesAccessTime: Bool = false
    ) {
        self.reads = reads
        self.writes = writes
        self.appends = appends
        self.truncates = truncates
        self.isExclusive = isExclusive
        self.leavesAccessTime = leavesAccessTime
    }
}
