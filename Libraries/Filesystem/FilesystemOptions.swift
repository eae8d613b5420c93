/// What may be chosen for a filesystem.
public struct FilesystemOptions: Sendable {
    public var caching = CachingTimes()
    public var accessTimes = AccessTimes.off
    /// How long programs wait for servers that are away; 0 is for ever.
    public var patienceNanoseconds: UInt64 = 300_000_000_000

    public var synchronization = Synchronization.publish
    /// Whether O_EXCL reserves a name at the open, by an empty file; otherwise the close fails if somebody was faster.
    public var reservesExclusiveNames = false

    public init() {}
}

/// What fsync(2) does.
public enum Synchronization: String, CaseIterable, Sendable {
    /// What was written so far becomes visible as a version, and survives everything.
    case publish
    /// It is stored, and stays invisible until the file is closed.
    case store
}

/// How long observers may believe what they were told, in seconds.
public struct CachingTimes: Sendable {
    /// Names, and attributes of directories: other clients change them.
    public var names: Double = 1
    /// Attributes of finished files: only their times can change.
    public var files: Double = 60

    public init() {}
}
