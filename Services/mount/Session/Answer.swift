import Client
import EventLoop
import Protocol

/// What an operation tells the kernel. Sent exactly once per request, by the one place that runs operations.
enum Answer {
    case done
    case failed(Errno)
    case entry(Entry)
    case created(Entry, OpenedFile)
    case attributes(Attributes)
    case opened(OpenedFile)
    case target([UInt8])
    case data(FileData)
    case written(Int)
    case statistics(InfoResponse)
    case listing(DirectoryBuffer)
}

/// An inode as the kernel sees it.
package struct Attributes {
    /// The kernel's number for it.
    package let number: UInt64
    package let type: InodeType
    package var size: UInt64
    package var modified: Timestamp
    package var accessed: Timestamp
    package var links: UInt32
    /// How long the kernel may believe this, in seconds.
    package var validSeconds: Double

    package init(
        number: UInt64, type: InodeType, size: UInt64, modified: Timestamp, accessed: Timestamp, links: UInt32 = 1,
        validSeconds: Double
    ) {
        self.number = number
        self.type = type
        self.size = size
        self.modified = modified
        self.accessed = accessed
        self.links = links
        self.validSeconds = validSeconds
    }
}

/// An inode and how long its name may be believed, in seconds.
struct Entry {
    let attributes: Attributes
    let validSeconds: Double
}

/// A handle for the kernel.
struct OpenedFile {
    let handle: UInt64
    /// What the kernel has cached of this inode is still right.
    var keepsCache = false
    /// The kernel passes every read and write on, and refuses mappings that are shared (ENODEV).
    var isDirect = false
    /// Nobody has to be told when a descriptor is closed, only at the last release.
    var skipsFlush = false
}
