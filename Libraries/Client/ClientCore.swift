import EventLoop
import Glibc
import Protocol
import Synchronization

/// What the parts of a client share: sockets, connections, caches, memory.
///
/// `@unchecked Sendable`: confined to the loop. The actors that hold it (Client, FileWriter, FileReader) have that loop
/// as their executor and the callbacks it registers run there, so all access is from one thread; only `pool` and
/// constants are used elsewhere, and those are thread-safe.
package final class ClientCore: @unchecked Sendable {
    package let loop: any Loop
    package let options: ClientOptions
    package let pool: BufferPool
    package let transport: DatagramTransport
    /// Prove requests that are not everybody's, if the cluster's key is known.
    let shardProof: MACKey?
    let cdcProof: MACKey?
    package let blocks: any BlockExchange
    package let health: ServiceHealth
    package let chunks: ChunkCache
    package let chunkReader: ChunkReader
    package let verifier: BlockVerifier
    /// Readers that fetch ahead; they share the cache.
    package let sequentialReaders = Atomic<Int>(0)
    /// Reads as zeros; never written.
    package let zeros: PooledBuffer
    package let spans = SpanCache()
    /// Of sealed spans.
    package let uploads: UploadBudget
    /// Of spans that are stored once more, which no sealed one may keep from that: it may have to wait for them.
    package let rebuildings: UploadBudget
    package let openFiles: OpenFiles
    package let patchMemory: PatchMemory
    var fittingFiles = FittingFiles()
    private var takesSeen: UInt64 = 0

    package init(_ surroundings: ClientSurroundings, options: ClientOptions) throws(SystemError) {
        let loop = surroundings.loop
        self.loop = loop
        self.options = options
        pool = BufferPool(retainedBytes: options.readCacheBytes / 2 + options.pendingWriteBytes / 2)
        transport = DatagramTransport(
            loop: loop, port: surroundings.datagrams, largestDatagram: options.datagramBytes,
            firstID: loop.randomNumber())
        shardProof = options.clusterKey.map { MACKey($0.key(for: .shardRequests)) }
        cdcProof = options.clusterKey.map { MACKey($0.key(for: .coordinatorRequests)) }
        blocks = surroundings.blocks
        health = ServiceHealth(
            avoidNanoseconds: options.avoidNanoseconds, avoidWritingNanoseconds: options.avoidWritingNanoseconds,
            leastHedgeNanoseconds: options.leastHedgeNanoseconds)
        chunks = ChunkCache(budgetBytes: options.readCacheBytes)
        let fetcher = ServicePageFetcher(blocks: blocks)
        verifier = BlockVerifier(loop: loop, fetcher: fetcher, budgetBytes: max(1 << 20, options.readCacheBytes / 8))
        chunkReader = ChunkReader(
            loop: loop, pool: pool, cache: chunks, fetcher: fetcher, verifier: verifier, health: health)
        // Fresh from the system, so zeros, without taking any memory.
        guard let zeros = pool.take(1 << 20) else { throw SystemError("allocate memory", code: ENOMEM) }
        self.zeros = zeros
        uploads = UploadBudget(limitBytes: options.pendingWriteBytes / 4 * 3)
        rebuildings = UploadBudget(limitBytes: options.pendingWriteBytes / 4)
        openFiles = OpenFiles(loop: loop, options: options)
        patchMemory = PatchMemory(loop: loop, pool: pool, options: options)
    }

    /// Gives memory back that nobody has asked for since the last call. Called about once a minute.
    package func releaseIdleMemory() {
        if pool.takes == takesSeen {
            chunks.removeAll()
            pool.trim()
        }
        takesSeen = pool.takes
    }

    package func close() {
        openFiles.close()
        transport.close()
        blocks.close()
        chunkReader.close()
        chunks.removeAll()
        pool.trim()
    }
}
