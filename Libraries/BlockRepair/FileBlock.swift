import Client
import Protocol

/// A block of a file, as whoever asks for a repair is shown it.
package struct FileBlock: Hashable, Sendable {
    package let file: InodeID
    /// Where its span begins in the file.
    package let byteOffset: UInt64
    package let location: LocationID
    package let storageClass: StorageClass
    /// Where it is; the flags are those that the shard knows.
    package let service: BlockService
    package let block: BlockID
    package let bytes: UInt32
    package let crc: CRC32C
}

/// What is to become of a block.
package enum BlockVerdict: Hashable, Sendable {
    /// It stays.
    case keep
    /// It has to leave its block service. It may be copied, if it can be read and proves right.
    case move
    /// It is missing or wrong where it is; its content has to come from the others of its span.
    case rebuild
}
