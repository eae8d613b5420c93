import Client
import MaintenanceState
import Protocol

/// A disk as scrubbing sees it.
public struct ScrubDisk: Hashable, Sendable {
    public var id: BlockServiceID
    public var path: String
    public var flags: BlockServiceFlags

    public init(id: BlockServiceID, path: String, flags: BlockServiceFlags) {
        self.id = id
        self.path = path
        self.flags = flags
    }
}

/// What a block should be, and where.
public struct ExpectedBlock: Hashable, Sendable {
    public var service: BlockService
    public var block: BlockID
    /// Bytes, a multiple of 4096.
    public var size: UInt32
    /// Of all its bytes.
    public var crc: CRC32C

    public init(service: BlockService, block: BlockID, size: UInt32, crc: CRC32C) {
        self.service = service
        self.block = block
        self.size = size
        self.crc = crc
    }
}

/// What a disk says about a block.
public enum BlockCheck: Hashable, Sendable {
    /// It was read, and it is what it should be.
    case sound
    case damaged(BlockDamage)
    /// The disk as a whole seems bad, so nothing is known of the block.
    case deviceError
    /// There was no answer, or one that says nothing about the block.
    case noAnswer(ClientError)
}

/// What scrubbing asks of a cluster.
public protocol ScrubCluster: Sendable {
    /// The wall clock.
    var now: Timestamp { get }
    /// Time that only moves forward.
    var monotonicNanoseconds: UInt64 { get }
    /// Returns early when the task is cancelled.
    func sleep(nanoseconds: UInt64) async
    /// All disks that the registry knows, with their present flags.
    func disks() async throws(ClientError) -> [ScrubDisk]
    /// Sends a request to a shard.
    func call<R: ShardRPC>(_ request: R, shard: ShardID) async throws(ClientError) -> R.Response
    /// Has a disk read a block and compare it with what it should be.
    func check(_ block: ExpectedBlock) async -> BlockCheck
    /// Replaces these blocks of a span by good ones elsewhere. What cannot be replaced stays; an error says why.
    /// - Parameter spanAt: where the span begins in the file.
    func replace(_ blocks: Set<BlockID>, of file: InodeID, spanAt: UInt64) async throws(ClientError)
}
