/// What may be chosen for a filesystem.
public struct FilesystemOptions: Sendable {
    public var caching = CachingTimes()
    public var accessTimes = AccessTimes.off
    /// How long programs wait for servers that are away; 0 is for ever.
    public var patienceNanoseconds: UInt64 = 300_000_000_000

    public init() {}
}

/// How long observers may believe what they were told, in seconds.
public struct CachingTimes: Sendable {
    /// Names, and attributes of directories: other clients change them.
    public var names: Double = 1
    /// Attributes of finished files: only their times can change.
    public var files: Double = 60

    public init() {}
}
