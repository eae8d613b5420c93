/// How a `RocksStore` is opened. The defaults suit one store among several processes of a laptop cluster.
public struct RocksOptions: Sendable {
    /// Create the database when the directory holds none; otherwise that is an error.
    public var createIfMissing = true
    /// Whether single writes can be made durable. Off for the state of a replicated log, which is durable already.
    public var writeAheadLog: Bool
    /// Memory for the block cache and the write buffers together, in bytes; at least 4 MiB are used.
    public var memoryBudgetBytes: Int
    /// Open what is there without taking the lock and without changing anything on disk; every write is refused.
    /// Nobody may have the database open for writing meanwhile.
    public var isReadOnly = false
    /// Open table files at most.
    public var openFiles = 256
    /// Threads that flush and compact, at least 2. They sleep when there is nothing to do.
    public var backgroundThreads = 2

    public init(writeAheadLog: Bool, memoryBudgetBytes: Int = 64 << 20) {
        self.writeAheadLog = writeAheadLog
        self.memoryBudgetBytes = memoryBudgetBytes
    }

    /// Half of the budget: blocks, indexes and filters of table files.
    var blockCacheBytes: Int { max(memoryBudgetBytes, 4 << 20) / 2 }
    /// One write buffer; up to two are full while they are being flushed.
    var writeBufferBytes: Int { max(memoryBudgetBytes, 4 << 20) / 6 }
    /// Room on disk that flushing everything in memory may take, and what is written around it.
    public var flushBytes: Int { 3 * writeBufferBytes + (4 << 20) }
}
