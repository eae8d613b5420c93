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
    var eraseDelayNanoseconds: UInt64
    var connectionTimeoutNanoseconds: UInt64
    /// Bytes to keep free per filesystem; nil: in proportion.
    var reservedBytes: UInt64?
    var threadsPerDisk: Int
    var maximumConnections: Int
    var errorPercent: UInt64
}
