/// What open(2) was asked for.
public struct OpenMode: Sendable {
    public var reads = true
    public var writes = false
    /// O_APPEND
    public var appends = false
    /// O_TRUNC; counts only with `writes`.
    public var truncates = false
    /// O_EXCL
    public var isExclusive = false
    /// O_NOATIME
    public var leavesAccessTime = false
    /// Whoever opens it caches nothing of what goes through the handle.
    public var isDirect = false

    public init() {}
}
