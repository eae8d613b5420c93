import Mutations
import Protocol

/// One entry of a shard's log: what the leader decided about one write request (metadata.md C.1).
///
/// It carries everything that `apply` needs besides the state: the time, the lifetime given to transient files, the
/// block services picked, which proofs were found right. Nothing in it names the client but the id of its request.
public struct ShardLogEntry: Equatable, Sendable {
    /// When the leader accepted the request; strictly increasing in one shard.
    public var time: Timestamp
    /// The leader's wall clock then, as it was, which may go back; nil in entries of older versions.
    public var clock: Timestamp? {
        didSet { if clock == nil { (keepsAttributes, sparedSince) = (false, nil) } }
    }
    /// How long a transient file lives after its last use, in nanoseconds.
    public var transientLifetimeNanoseconds: UInt64
    /// No piece of history is removed that is not older, in nanoseconds; 0 in entries of older versions.
    public var minimumHistoryAgeNanoseconds: UInt64
    /// What copies of the request are recognised by; nil when one is harmless at any time.
    public var repetition: RepetitionGuard?
    /// Whether files inherit attributes and changes leave a ctime. Not in entries of older versions, which are carried
    /// out as they were then.
    public var keepsAttributes: Bool
    /// Deadlines of open files from then on have not passed, whatever the clock says: the shard was away. Nil: it was
    /// not lately, or the entry is of an older version.
    public var sparedSince: Timestamp?
    public var action: Action

    public enum Action: Equatable, Sendable {
        /// The first entry of a log.
        case genesis(ShardGenesis)
        /// A request that needs no decision but the time.
        case request(AnyShardRequest)
        /// Any of the three ADD_SPAN_INITIATE requests, with the block services picked.
        case addSpan(NewSpan)
        /// ADD_SPAN_CERTIFY, with the proofs checked.
        case certifySpan(CheckedProofs)
        /// REMOVE_SPAN_CERTIFY, with the proofs checked.
        case certifyRemoval(CheckedProofs)
        /// PUBLISH_FILE, with how long a version that is superseded stays, in nanoseconds.
        case publish(PublishFileRequest, graceNanoseconds: UInt64)
        /// PUBLISH_FILE_WITH_ATTRIBUTES, likewise; CERTIFY_AND_PUBLISH, with the proofs checked.
        case publishWithAttributes(
            PublishFileWithAttributesRequest, graceNanoseconds: UInt64, certifying: CheckedProofs? = nil)
        /// SAME_DIRECTORY_RENAME_SNAPSHOT. As a plain request it is of an older version, and files keep their numbers.
        case bringBack(SameDirectoryRenameSnapshotRequest)
        /// SAME_DIRECTORY_RENAME. As a plain request it is of an older version, and files inherit nothing.
        case rename(SameDirectoryRenameRequest)
        /// SWAP_BLOCKS, with the failure domains of all block services it involves.
        case swapBlocks(SwapBlocksRequest, [ServiceDomain])
    }

    public init(
        time: Timestamp, clock: Timestamp? = nil, transientLifetimeNanoseconds: UInt64,
        minimumHistoryAgeNanoseconds: UInt64 = 0, repetition: RepetitionGuard? = nil, keepsAttributes: Bool = false,
        sparedSince: Timestamp? = nil, action: Action
    ) {
        self.time = time
        self.clock = clock
        self.transientLifetimeNanoseconds = transientLifetimeNanoseconds
        self.minimumHistoryAgeNanoseconds = minimumHistoryAgeNanoseconds
        self.repetition = repetition
        self.keepsAttributes = keepsAttributes && clock != nil
        self.sparedSince = self.keepsAttributes ? sparedSince : nil
        self.action = action
    }

    /// Whether the names of one hash are limited (`ShardCore.largestHashGroup`). Entries of versions without the rule,
    /// which had no clock, are carried out as they were then.
    package var limitsHashGroups: Bool { clock != nil }

    /// By what deadlines pass: the clock, where it is known.
    var now: Timestamp { clock ?? time }

    /// When a transient file used by this entry expires.
    var deadline: Timestamp { deadline(after: transientLifetimeNanoseconds) }

    func deadline(after nanoseconds: UInt64) -> Timestamp {
        let (sum, overflow) = now.nanoseconds.addingReportingOverflow(nanoseconds)
        return Timestamp(nanoseconds: overflow ? .max : sum)
    }

    /// Whether a snapshot edge of `creationTime` is old enough to be removed. Of the two times the earlier counts: the
    /// clock may be ahead, and so may the times of entries after it was.
    func mayRemoveHistory(of creationTime: Timestamp) -> Bool {
        let now = clock.map { min($0, time) } ?? time
        if minimumHistoryAgeNanoseconds == 0 || Mutation.youngHistoryIsRemoved.isPlanted { return true }
        return now > creationTime && now.nanoseconds - creationTime.nanoseconds > minimumHistoryAgeNanoseconds
    }
}

/// A span to be appended, its blocks already placed.
public struct NewSpan: Hashable, Sendable {
    /// Which of the three requests asked, for the shape of the response.
    public enum Form: UInt8, Sendable {
        case plain = 0
        case withReference = 1
        case atLocation = 2
    }

    /// A block's place and checksum.
    public struct Block: Hashable, Sendable {
        public var service: BlockServiceID
        public var crc: CRC32C
    }

    public var form: Form
    public var fileId: InodeID
    public var byteOffset: UInt64
    public var size: UInt32
    public var crc: CRC32C
    public var location: LocationID
    public var storageClass: StorageClass
    public var parity: Parity
    public var stripes: UInt8
    public var cellSize: UInt32
    public var blocks: [Block]
    public var stripeCRCs: [CRC32C]
}

/// The block proofs of a request, as the leader found them.
public struct CheckedProofs: Hashable, Sendable {
    /// A block and, if its proof was right, the block service whose key made the proof.
    public struct Proof: Hashable, Sendable {
        public var blockId: BlockID
        public var provenService: BlockServiceID?
    }

    public var fileId: InodeID
    public var byteOffset: UInt64
    public var proofs: [Proof]
}

/// Where a block service stands, as the leader knew it.
public struct ServiceDomain: Hashable, Sendable {
    public var service: BlockServiceID
    public var domain: FailureDomain
}
