/// What may be chosen for a filesystem.
public struct FilesystemOptions: Sendable {
    public var caching = CachingTimes()
    public var accessTimes = AccessTimes.off
    public var ownership = OwnershipRule.stored
    public var identities = KnownIdentities.all
    /// How long the cluster's owner of what nobody was given may be believed.
    public var defaultsNanoseconds: UInt64 = 60_000_000_000
    /// How long programs wait for servers that are away; 0 is for ever.
    public var patienceNanoseconds: UInt64 = 300_000_000_000

    public var synchronization = Synchronization.publish
    /// Whether O_EXCL reserves a name at the open, by an empty file; otherwise the close fails if somebody was faster.
    public var reservesExclusiveNames = false

    public init() {}
}

/// Whose files are, and who may do what with them.
public enum OwnershipRule: String, CaseIterable, Sendable {
    /// As people set it, where the cluster can keep that.
    case stored
    /// The same for all files: front ends make it up.
    case fixed
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
    /// Attributes of finished files where nothing but their times can change; where rights are stored, as names.
    public var files: Double = 60

    public init() {}
}
