import CRocksDB

/// A cursor over a `RocksStore`; keeps the database open while it lives.
final class RocksIterator: StoreIterator {
    private let database: RocksDatabase
    private let iterator: OpaquePointer
    private let readOptions: OpaquePointer
    /// Both bounds, lower first. RocksDB keeps pointers into it, so it lives as long as the iterator.
    private let bounds: UnsafeMutableRawBufferPointer

    init(_ database: RocksDatabase, _ lower: [UInt8], _ upper: [UInt8]?) {
        self.database = database
        // RocksDB does not define what happens with crossed bounds; an empty range is what they mean.
        let upper = upper.map { KeyOrder.compare($0, lower) < 0 ? lower : $0 }
        bounds = .allocate(byteCount: lower.count + (upper?.count ?? 0), alignment: 1)
        bounds.copyBytes(from: lower + (upper ?? []))
        readOptions = rocksdb_readoptions_create()
        let all = UnsafeRawBufferPointer(bounds)
        let lowerBytes = UnsafeRawBufferPointer(rebasing: all[..<lower.count])
        if !lower.isEmpty {
            rocksdb_readoptions_set_iterate_lower_bound(readOptions, lowerBytes.characters, lowerBytes.count)
        }
        if upper != nil {
            let upperBytes = UnsafeRawBufferPointer(rebasing: all[lower.count...])
            rocksdb_readoptions_set_iterate_upper_bound(readOptions, upperBytes.characters, upperBytes.count)
        }
        iterator = rocksdb_create_iterator(database.handle, readOptions)
    }

    deinit {
        rocksdb_iter_destroy(iterator)
        rocksdb_readoptions_destroy(readOptions)
        bounds.deallocate()
    }

    var isValid: Bool { rocksdb_iter_valid(iterator) != 0 }

    func seekToFirst() { rocksdb_iter_seek_to_first(iterator) }
    func seekToLast() { rocksdb_iter_seek_to_last(iterator) }

    func seek(_ key: [UInt8]) {
        key.withUnsafeBytes { rocksdb_iter_seek(iterator, $0.characters, $0.count) }
    }

    func seekForPrevious(_ key: [UInt8]) {
        key.withUnsafeBytes { rocksdb_iter_seek_for_prev(iterator, $0.characters, $0.count) }
    }

    func next() {
        precondition(isValid, "the cursor does not stand on an entry")
        rocksdb_iter_next(iterator)
    }

    func previous() {
        precondition(isValid, "the cursor does not stand on an entry")
        rocksdb_iter_prev(iterator)
    }

    var key: [UInt8] { [UInt8](keyBytes) }
    var value: [UInt8] { [UInt8](valueBytes) }

    func withEntry(_ body: (_ key: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer) -> Void) {
        body(keyBytes, valueBytes)
    }

    func checkStatus() throws(StoreError) {
        try checked { rocksdb_iter_get_error(iterator, $0) }
    }

    private var keyBytes: UnsafeRawBufferPointer {
        precondition(isValid, "the cursor does not stand on an entry")
        var count = 0
        let bytes = rocksdb_iter_key(iterator, &count)
        return UnsafeRawBufferPointer(start: bytes, count: count)
    }

    private var valueBytes: UnsafeRawBufferPointer {
        precondition(isValid, "the cursor does not stand on an entry")
        var count = 0
        let bytes = rocksdb_iter_value(iterator, &count)
        return UnsafeRawBufferPointer(start: bytes, count: count)
    }
}
