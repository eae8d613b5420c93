import Protocol

/// Something that an operator should look after (services.md A.12).
public struct RegistryAlarm: Hashable, Sendable, CustomStringConvertible {
    /// What it is about; the raw value is part of a metric's name.
    public enum Kind: String, CaseIterable, Sendable {
        /// Fewer failure domains can be written to than a span needs: new files cannot be stored.
        case tooFewFailureDomains = "too_few_failure_domains"
        /// Failure domains with disks that hold files and cannot be read. A few are covered by parity.
        case unreadableFailureDomain = "unreadable_failure_domains"
        /// A decommissioned disk that still holds files long after: nothing migrates it.
        case undrained = "undrained_block_services"
        /// A disk that nobody has heard of for a while, and that no operator has taken out of use.
        case stale = "stale_block_services"
        /// Several disks of one host that claim the same path: all but one are gone, or one was set up twice.
        case samePath = "same_path_block_services"
        /// Shards or a coordinator that nobody has heard of for a while.
        case silentMetadata = "silent_metadata_services"
        /// A disk under shards, a coordinator or the registry is full: changes wait.
        case fullMetadataDisk = "full_metadata_disks"
        /// One is going to be.
        case nearlyFullMetadataDisk = "nearly_full_metadata_disks"
        /// Groups of replicas that nobody leads: they stand still.
        case leaderlessGroups = "leaderless_groups"
        /// Groups of replicas that would stand still with one more failure.
        case fragileGroups = "fragile_groups"
    }

    public let kind: Kind
    /// Which disk, domain, class or kind of service. An alarm with the same kind and subject is the same alarm.
    public let subject: String
    /// A sentence.
    public let description: String

    init(_ kind: Kind, _ subject: String, _ description: String) {
        self.kind = kind
        self.subject = subject
        self.description = description
    }
}

/// How many failure domains a span in a storage class takes.
public struct PlacementNeed: Hashable, Sendable {
    public let storageClass: StorageClass
    /// Data and parity blocks.
    public let failureDomains: Int

    public init(storageClass: StorageClass, failureDomains: Int) {
        self.storageClass = storageClass
        self.failureDomains = failureDomains
    }

    /// What the policies of a directory ask for: of every class that they may choose, the widest span.
    public static func all(span: SpanPolicy, block: BlockPolicy) -> [PlacementNeed] {
        let widest = span.entries.map(\.parity.blocks).max() ?? 0
        let classes = Set(block.entries.map(\.storageClass))
        return classes.sorted { $0.rawValue < $1.rawValue }.map {
            PlacementNeed(storageClass: $0, failureDomains: widest)
        }
    }
}
