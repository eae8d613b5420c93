/// What may be in flight. Whatever is refused because of a limit costs no memory.
public struct LogLimits: Sendable {
    /// The largest entry, bytes.
    public var entryBytes = 1 << 20
    /// Entries of one group that are proposed and not yet committed.
    public var windowEntries = 2048
    /// The same in bytes. One entry is always let through.
    public var windowBytes = 4 << 20

    public init() {}
}
