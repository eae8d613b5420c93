import BlockStore
import EventLoop
import Protocol

/// What the command line decided.
struct BlockSettings {
    var disks: [DiskOption]
    /// A disk's path as the registry shows it.
    var announcedPath: (String) -> String
    var location: LocationID
    var addresses: [SocketAddress]
    var registry: [SocketAddress]
    var keys: KeyRing
    var eraseDelayNanoseconds: UInt64
    var connectionTimeoutNanoseconds: UInt64
    /// Limit for small blocks, and what to keep free.
    var diskOptions: BlockDiskOptions
    var threadsPerDisk: Int
    /// Requests of one kind that may wait for a disk.
    var queueLength: Int
    var connections: ConnectionLimits
    /// That a disk keeps open for the next small fetch.
    var recentFilesPerDisk: Int
    /// With which a block has to come in at least.
    var leastWriteBytesPerSecond: UInt64
    var errorLimits: ErrorLimits

    /// How long a request may wait for that much data, in nanoseconds.
    func inputPatience(byteCount: Int) -> UInt64 {
        connections.requestNanoseconds + UInt64(byteCount) * 1_000_000_000 / leastWriteBytesPerSecond
    }
}
