import Protocol

/// A log store in memory that can lose what was not synced, for tests.
public final class MemoryLogStore: LogStore {
    private var durable: [LogBatch] = []
    private var unsynced: [LogBatch] = []
    private var trimmed: [LogGroupID: LogIndex] = [:]
    /// Thrown by every write while set, and by every sync unless it is `noSpace`: what was written has its room.
    public var writeFault: LogError?

    public let largestWriteBytes = Int.max

    public init() {}

    public func replay(_ body: (LogGroupID, LogIndex, UnsafeRawBufferPointer) throws -> Void) throws {
        for batch in durable {
            let isWhole = try batch.bytes.withUnsafeBytes { packed in
                try LogBatch.forEach(in: packed, .chained) { try body($0.group, $0.index, $0.bytes) }
            }
            precondition(isWhole, "a batch holds only what append wrote")
        }
    }

    public func write(_ batches: [LogBatch]) throws(LogError) {
        if let writeFault { throw writeFault }
        unsynced.append(contentsOf: batches)
        retainedBytes += batches.reduce(0) { $0 + $1.byteCount }
    }

    public func sync() throws(LogError) {
        switch writeFault {
        case nil, .noSpace: break
        case let fault?: throw fault
        }
        durable.append(contentsOf: unsynced)
        unsynced.removeAll()
    }

    public func trim(through indices: [LogGroupID: LogIndex]) throws(LogError) {
        trimmed.merge(indices) { max($0, $1) }
        let kept = durable.drop { batch in
            batch.tails.allSatisfy { group, tail in trimmed[group].map { tail <= $0 } ?? false }
        }
        retainedBytes -= durable[..<kept.startIndex].reduce(0) { $0 + $1.byteCount }
        durable = Array(kept)
    }

    public private(set) var retainedBytes = 0

    public func close() {}

    /// Batches written since the last sync: what a crash may take away.
    public var unsyncedBatchCount: Int { unsynced.count }

    /// Loses all unsynced batches but the first `surviving`.
    public func crash(surviving: Int = 0) {
        durable.append(contentsOf: unsynced.prefix(max(surviving, 0)))
        retainedBytes -= unsynced.dropFirst(max(surviving, 0)).reduce(0) { $0 + $1.byteCount }
        unsynced.removeAll()
    }
}
