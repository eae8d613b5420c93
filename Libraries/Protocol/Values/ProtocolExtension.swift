import Wire

/// An ability of a cluster's servers beyond the base protocol, as the registry's EXTENSIONS tells it. Numbers are never
/// used again; those that are not known here come from newer servers and mean nothing.
@frozen
public struct ProtocolExtension: RawWireValue, Hashable, CustomStringConvertible {
    public var rawValue: UInt16

    @inlinable
    public init(rawValue: UInt16) { self.rawValue = rawValue }

    /// The coordinator knows MAKE_DIRECTORY_EXCLUSIVE.
    public static let exclusiveMakeDirectory = ProtocolExtension(rawValue: 1)

    /// The coordinator knows REPLACE_DIRECTORY.
    public static let replaceDirectory = ProtocolExtension(rawValue: 2)

    /// Block services know FETCH_PAGE_SUMS.
    public static let fetchPageSums = ProtocolExtension(rawValue: 3)

    /// Shards know LINK_FILE_WITH_SPAN.
    public static let linkWithSpan = ProtocolExtension(rawValue: 4)

    /// Shards know LINK_FILE_IF_UNCHANGED.
    public static let linkIfUnchanged = ProtocolExtension(rawValue: 5)

    /// Shards know TRANSIENT_LIFETIME.
    public static let transientLifetime = ProtocolExtension(rawValue: 6)

    /// The registry knows CLOCK.
    public static let registryClock = ProtocolExtension(rawValue: 9)

    /// Shards know REFER_SPANS and FILE_REFERENCES.
    public static let sharedSpans = ProtocolExtension(rawValue: 10)

    /// Shards know PUBLISH_FILE and STAT_VERSION.
    public static let publishing = ProtocolExtension(rawValue: 11)

    /// The registry knows REPORT_METADATA_DISK.
    public static let metadataDisks = ProtocolExtension(rawValue: 16)

    /// Shards keep the attributes of inodes (STAT_ATTRIBUTES and its relatives), the coordinator knows
    /// MAKE_DIRECTORY_WITH_ATTRIBUTES, the registry DEFAULT_OWNERSHIP.
    public static let attributes = ProtocolExtension(rawValue: 17)

    /// Shards know CONSTRUCT_FILES.
    public static let constructFiles = ProtocolExtension(rawValue: 18)

    /// Shards know CERTIFY_AND_PUBLISH.
    public static let certifyAndPublish = ProtocolExtension(rawValue: 19)

    /// Shards know RENAME_WITH_ATTRIBUTES.
    public static let renameWithAttributes = ProtocolExtension(rawValue: 20)

    /// The registry knows REGISTER_REPLICA.
    public static let replicas = ProtocolExtension(rawValue: 21)

    /// Everything that the servers of this version can do.
    public static let all: [ProtocolExtension] = [
        .exclusiveMakeDirectory, .replaceDirectory, .fetchPageSums, .linkWithSpan, .linkIfUnchanged,
        .transientLifetime, .registryClock, .sharedSpans, .publishing, .metadataDisks, .attributes,
        .constructFiles, .certifyAndPublish, .renameWithAttributes, .replicas,
    ]

    public var description: String {
        switch self {
        case .exclusiveMakeDirectory: "EXCLUSIVE_MAKE_DIRECTORY"
        case .replaceDirectory: "REPLACE_DIRECTORY"
        case .fetchPageSums: "FETCH_PAGE_SUMS"
        case .linkWithSpan: "LINK_WITH_SPAN"
        case .linkIfUnchanged: "LINK_IF_UNCHANGED"
        case .transientLifetime: "TRANSIENT_LIFETIME"
        case .registryClock: "REGISTRY_CLOCK"
        case .sharedSpans: "SHARED_SPANS"
        case .publishing: "PUBLISHING"
        case .metadataDisks: "METADATA_DISKS"
        case .attributes: "ATTRIBUTES"
        case .constructFiles: "CONSTRUCT_FILES"
        case .certifyAndPublish: "CERTIFY_AND_PUBLISH"
        case .renameWithAttributes: "RENAME_WITH_ATTRIBUTES"
        case .replicas: "REPLICAS"
        default: "extension \(rawValue)"
        }
    }
}
