import Client
import Protocol

/// What block repair asks of a cluster: metadata, and the bytes of blocks. `LiveRepairCluster` is a running one, tests
/// bring a shard core and disks in memory.
package protocol RepairCluster: Sendable {
    /// A clock that only moves forward.
    var monotonicNanoseconds: UInt64 { get }
    /// Where the memory for blocks comes from.
    var pool: BufferPool { get }
    /// Returns early when the task is cancelled.
    func sleep(nanoseconds: UInt64) async
    /// Sends a request to a shard, repeating it as needed.
    func call<R: ShardRPC>(_ request: R, shard: ShardID) async throws(ClientError) -> R.Response
    /// The failure domain of every block service; a minute old at most.
    func failureDomains() async throws(ClientError) -> [BlockServiceID: FailureDomain]
    /// Fetches `range` (whole pages) of a block to `offset` of `memory`. On success every page is right.
    func fetch(
        _ source: BlockSource, _ range: Range<Int>, into memory: PooledBuffer, at offset: Int
    ) async throws(ClientError)
    /// Stores the first `bytes` bytes of `memory` as a block; the proof of it.
    func write(
        _ memory: PooledBuffer, bytes: Int, crc: CRC32C, to place: AddSpanInitiateBlockInfo
    ) async throws(ClientError) -> MAC
}
