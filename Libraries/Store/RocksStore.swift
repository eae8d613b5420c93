import CRocksDB
import Synchronization

/// An ordered store on RocksDB: one column family, bloom filters over whole keys, reads that lend the value where it
/// lies.
public final class RocksStore: OrderedStore {
    private let database: RocksDatabase
    private let hasWriteAheadLog: Bool
    private let isReadOnly: Bool
    private let isClosed = Atomic(false)

    /// Opens or creates the database in `directory`, whose parent must exist. The write-ahead log, if any, is replayed
    /// up to the last whole batch: a torn tail is what a crash leaves behind, damage in the middle is `.corruption`.
    public init(directory: String, options: RocksOptions) throws(StoreError) {
        database = try RocksDatabase(directory: directory, options: options)
        hasWriteAheadLog = options.writeAheadLog
        isReadOnly = options.isReadOnly
    }

    public func read(
        _ key: UnsafeRawBufferPointer, _ body: (UnsafeRawBufferPointer) -> Void
    ) throws(StoreError) -> Bool {
        try checkOpen()
        var message: UnsafeMutablePointer<CChar>?
        let pinned = rocksdb_get_pinned(database.handle, database.readOptions, key.characters, key.count, &message)
        if message != nil { throw StoreError(takingRocksMessage: message) }
        guard let pinned else { return false }
        defer { rocksdb_pinnableslice_destroy(pinned) }
        var count = 0
        let bytes = rocksdb_pinnableslice_value(pinned, &count)
        body(UnsafeRawBufferPointer(start: bytes, count: count))
        return true
    }

    public func iterator(from lower: [UInt8], upTo upper: [UInt8]?) -> any StoreIterator {
        isClosed.load(ordering: .acquiring)
            ? MemoryIterator(PersistentTree(), lower, upper, failure: .closed)
            : RocksIterator(database, lower, upper)
    }

    public func write(_ batch: WriteBatch, durable: Bool) throws(StoreError) {
        try checkWritable()
        if durable && !hasWriteAheadLog { throw .withoutWriteAheadLog }
        let changes = rocksdb_writebatch_create()
        defer { rocksdb_writebatch_destroy(changes) }
        batch.forEach { change in
            switch change {
            case .put(let key, let value):
                rocksdb_writebatch_put(changes, key.characters, key.count, value.characters, value.count)
            case .delete(let key):
                rocksdb_writebatch_delete(changes, key.characters, key.count)
            case .deleteRange(let lower, let upper):
                rocksdb_writebatch_delete_range(changes, lower.characters, lower.count, upper.characters, upper.count)
            }
        }
        try checked { message in
            rocksdb_write(
                database.handle, durable ? database.durableWriteOptions : database.writeOptions, changes, message)
        }
    }

    public func flush() throws(StoreError) {
        try checkWritable()
        try checked { rocksdb_flush(database.handle, database.flushOptions, $0) }
    }

    public func checkpoint(at path: String) throws(StoreError) {
        try checkOpen()
        var checkpoint: OpaquePointer?
        try checked { checkpoint = rocksdb_checkpoint_object_create(database.handle, $0) }
        defer { rocksdb_checkpoint_object_destroy(checkpoint) }
        // 0: flush the write buffers first, so that the copy needs no write-ahead log.
        try checked { rocksdb_checkpoint_create(checkpoint, path, 0, $0) }
    }

    public func close() throws(StoreError) {
        if isReadOnly { try checkOpen() } else { try flush() }
        isClosed.store(true, ordering: .releasing)
    }

    /// Bytes that the store takes in memory now: block cache, write buffers, indexes and filters outside the cache.
    public var memoryBytes: Int {
        ["rocksdb.block-cache-usage", "rocksdb.cur-size-all-mem-tables", "rocksdb.estimate-table-readers-mem"]
            .reduce(0) { sum, property in
                var value: UInt64 = 0
                let failed = rocksdb_property_int(database.handle, property, &value) != 0
                return failed ? sum : sum &+ Int(clamping: value)
            }
    }

    private func checkOpen() throws(StoreError) {
        if isClosed.load(ordering: .acquiring) { throw .closed }
    }

    private func checkWritable() throws(StoreError) {
        try checkOpen()
        if isReadOnly { throw .invalid("it was opened for reading only") }
    }
}

extension UnsafeRawBufferPointer {
    /// What RocksDB's C functions want; never nil, because they form an `std::string` of it even when it is empty.
    var characters: UnsafePointer<CChar> {
        (baseAddress ?? Self.nothing).assumingMemoryBound(to: CChar.self)
    }

    // Never read and never written: an address for empty buffers, alive as long as the process.
    private nonisolated(unsafe) static let nothing = UnsafeRawPointer(
        UnsafeMutableRawPointer.allocate(byteCount: 1, alignment: 1))
}

/// Runs a C function of RocksDB that reports errors through its last argument.
func checked(
    _ body: (UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>) -> Void
) throws(StoreError) {
    var message: UnsafeMutablePointer<CChar>?
    body(&message)
    if message != nil { throw StoreError(takingRocksMessage: message) }
}

extension StoreError {
    /// The error that RocksDB describes in `message`, which this frees.
    init(takingRocksMessage message: UnsafeMutablePointer<CChar>?) {
        guard let message else {
            self = .inputOutput("unknown error")
            return
        }
        defer { rocksdb_free(message) }
        let text = String(cString: message)
        if text.contains("No space left") || text.contains("Space limit reached") {
            self = .noSpace(text)
        } else if Self.shortages.contains(where: { text.contains($0) }) {
            self = .exhausted(text)
        } else if text.contains("lock ") && text.hasPrefix("IO error") {
            self = .locked(text)
        } else if text.hasPrefix("Corruption") {
            self = .corruption(text)
        } else if text.hasPrefix("Invalid argument") || text.hasPrefix("Not implemented") {
            self = .invalid(text)
        } else {
            self = .inputOutput(text)
        }
    }

    /// What the C library calls EMFILE, ENFILE and ENOMEM.
    private static let shortages = ["Too many open files", "Cannot allocate memory"]
}
