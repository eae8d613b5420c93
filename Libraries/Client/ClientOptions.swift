import Glibc
import Protocol

/// What can be set on a client. The defaults suit a mount on a machine with a few gigabytes of memory.
public struct ClientOptions: Hashable, Sendable {
    /// Repetition of requests to shards.
    public var shardTiming = RetryTiming.shard
    /// Repetition of requests to the coordinator.
    public var cdcTiming = RetryTiming.cdc
    /// Largest datagram asked for in answers that come in pages, 1472…8972 bytes. Where those that do not fit a frame get
    /// lost, less is asked for after a while in any case.
    public var datagramBytes: UInt16 = 8972
    /// Interval at which the addresses of the services are asked for again.
    public var refreshNanoseconds: UInt64 = 60_000_000_000
    /// Whether nothing is asked of anybody that the base protocol does not have, whatever the registry says.
    public var isBaseProtocolOnly = false
    /// Interval at which the registry is asked again, at the earliest, what the cluster can do beyond the base protocol.
    /// Doubles, up to a day, as long as that is nothing.
    public var extensionsNanoseconds: UInt64 = 600_000_000_000
    /// How long policies of a directory are believed, at most.
    public var policyLifetimeNanoseconds: UInt64 = 60_000_000_000
    /// Bytes of data that readers keep in memory, over all files.
    public var readCacheBytes = 96 << 20
    /// Farthest that one sequential reader fetches ahead, in bytes.
    public var readAheadBytes = 16 << 20
    /// Bytes of spans, parity included, that wait for block services over all files: three quarters for sealed ones,
    /// whose writers pause beyond that, a quarter for those that are stored once more.
    public var pendingWriteBytes = 192 << 20
    /// Bytes of spans that are still open for writing, over all files. Beyond it the fullest is sealed.
    public var openBufferBytes = 128 << 20
    /// Bytes in memory that were changed behind what is sealed, over all files. Beyond it they go to the spool file.
    public var patchBytes = 32 << 20
    /// Where the spool file is: on a local disk, never on a mount of this cluster.
    public var spoolDirectory = ClientOptions.temporaryDirectory
    /// How large the spool file may become; nil: a quarter of what is free when it is made.
    public var spoolBytes: Int?
    /// Shortest time after which a shard may give up a file that is being written; believed until the shard's own is
    /// known.
    public var leastTransientNanoseconds: UInt64 = ClientLimits.leastTransientNanoseconds
    /// Longest time for which a block service that fails again and again is not tried for reading.
    public var avoidNanoseconds: UInt64 = 30_000_000_000
    /// How long a block service that failed to store a block, or was slow, gets no new ones.
    public var avoidWritingNanoseconds: UInt64 = 60_000_000_000
    /// A fetch is given at least so long before other blocks are asked to stand in for it; more while fetches are slow
    /// in general.
    public var leastHedgeNanoseconds: UInt64 = 20_000_000
    /// A block connection that makes no progress for so long is given up.
    public var blockStallNanoseconds: UInt64 = 20_000_000_000
    /// How long the data of a file being written may wait for shards and block services that do not answer or do not
    /// work, before its writer sees an error; 0: for ever.
    public var writeTimeoutNanoseconds: UInt64 = 300_000_000_000
    /// How long a span must have had no place before the registry is asked whether the cluster is full.
    public var fullNanoseconds: UInt64 = 10_000_000_000

    /// The cluster's key, for what only its own programs may ask for; nil for all others, and for servers of TernFS.
    public var clusterKey: ClusterKey?

    public init() {}

    /// Shares memory out: to what is read, what is open for writing, what was changed behind that, and what is on its
    /// way to block services.
    public mutating func divide(memoryBytes: Int) {
        readCacheBytes = memoryBytes / 14 * 3
        openBufferBytes = memoryBytes / 14 * 4
        patchBytes = memoryBytes / 14
        pendingWriteBytes = memoryBytes / 14 * 6
    }

    /// `TMPDIR`, or where large files may lie for longer.
    private static var temporaryDirectory: String {
        guard let named = getenv("TMPDIR"), named.pointee != 0 else { return "/var/tmp" }
        return String(cString: named)
    }
}
