/// What programs may do today. The model has the semantics of the goal; what a filesystem cannot do yet is left out of
/// its programs.
public struct Capabilities: OptionSet, Sendable {
    public let rawValue: Int

    public init(rawValue: Int) {
        self.rawValue = rawValue
    }

    /// Finished files are changed anywhere, through any number of descriptors, all of which see the same content.
    public static let editsAnywhere = Capabilities(rawValue: 1 << 0)
    /// mmap(2) with MAP_SHARED.
    public static let sharedMappings = Capabilities(rawValue: 1 << 1)
    public static let fallocate = Capabilities(rawValue: 1 << 2)
    /// fsync(2) publishes what was written.
    public static let fsyncPublishes = Capabilities(rawValue: 1 << 3)
    /// A file keeps its number, whatever is done to it.
    public static let stableNumbers = Capabilities(rawValue: 1 << 4)
    /// Processes are killed.
    public static let kills = Capabilities(rawValue: 1 << 5)
    /// The mount is killed.
    public static let crashes = Capabilities(rawValue: 1 << 6)
    /// There is another mount.
    public static let secondMount = Capabilities(rawValue: 1 << 7)
    /// Everything is visible everywhere at once, as on a local disk; what a killed process has written stays.
    public static let isLocal = Capabilities(rawValue: 1 << 8)
    /// Owners, modes, extended attributes and times are kept, and several users meet. Needs root.
    public static let permissions = Capabilities(rawValue: 1 << 9)

    /// A directory of a local disk.
    public static let localDirectory: Capabilities = [
        .isLocal, .editsAnywhere, .sharedMappings, .fallocate, .stableNumbers, .kills, .permissions,
    ]
    /// A mount that writes files once.
    public static let writeOnce: Capabilities = [.kills, .crashes, .secondMount]
    /// What the mount can do.
    public static let mount: Capabilities = writeOnce.union([
        .editsAnywhere, .sharedMappings, .fallocate, .fsyncPublishes, .stableNumbers, .permissions,
    ])

    public static let named: [String: Capabilities] = [
        "edits-anywhere": .editsAnywhere, "shared-mappings": .sharedMappings, "fallocate": .fallocate,
        "fsync-publishes": .fsyncPublishes, "stable-numbers": .stableNumbers, "kills": .kills, "crashes": .crashes,
        "second-mount": .secondMount, "local": .isLocal, "write-once": .writeOnce,
        "permissions": .permissions, "mount": .mount,
    ]
}
