import Glibc
import Protocol
import Store
import Synchronization

/// Where small blocks lie: an ordered store without a log of its own, because the segments are one. What a crash takes
/// from it is read from them again, from the checkpoint on.
///
/// ```
/// "b" block u64     segment u64, offset of the pages u32, data bytes u32
/// "s" segment u64   bytes written u64, bytes of blocks that are still there u64
/// "c"               segment u64, offset u64: everything before is in the index; last batch u64; blocks u64
/// ```
/// Keys are big-endian, values little-endian. Thread-safe.
final class SmallBlockIndex: Sendable {
    /// A block's pages in a segment.
    struct Location: Hashable, Sendable {
        var segment: UInt64
        var offset: Int
        var size: UInt32

        /// Bytes of the whole record.
        var length: Int { SegmentRecord(.block, BlockID(rawValue: 0), size: Int(size)).length }
    }

    /// How much of a segment is of use.
    struct SegmentUse: Hashable, Sendable {
        var written: UInt64 = 0
        var live: UInt64 = 0
    }

    struct Checkpoint: Hashable, Sendable {
        var segment: UInt64 = 0
        var offset: UInt64 = 0
        var batch: UInt64 = 0
        var blocks: UInt64 = 0
    }

    /// Changes that belong together.
    typealias Changes = WriteBatch

    private let path: String
    private let current: Mutex<(any OrderedStore)?>
    /// Some of what the segments hold is not in it: a block that is not found may exist.
    private let incomplete = Atomic<Bool>(false)

    /// Descriptors that it may take: tables, and its own files.
    static let descriptors = tables + 8
    private static let tables = 64
    private static let options: RocksOptions = {
        var options = RocksOptions(writeAheadLog: false, memoryBudgetBytes: 4 << 20)
        options.openFiles = tables
        return options
    }()

    /// Opens the index in the directory `path`, made when it is not there. An empty one is filled from all segments.
    init(opening path: String) throws(BlockStoreError) {
        self.path = path
        current = Mutex(nil)
        try reopen()
    }

    /// An index that changes nothing on disk: changes stay in memory.
    init(reading path: String) throws(BlockStoreError) {
        self.path = path
        do throws(StoreError) {
            var options = Self.options
            options.isReadOnly = true
            current = Mutex(OverlayStore(over: try RocksStore(directory: path, options: options)))
        } catch {
            throw Self.translated(error, path)
        }
    }

    /// Opens the store anew after an error: what was not flushed is gone and has to be read from the segments again;
    /// `isComplete` has to be called after that.
    func reopen() throws(BlockStoreError) {
        incomplete.store(true, ordering: .releasing)
        try current.withLock { store throws(BlockStoreError) in
            store = nil
            for attempt in 0... {
                do throws(StoreError) {
                    store = try RocksStore(directory: path, options: Self.options)
                    return
                } catch {
                    // A reader may still be in the old one, for an instant.
                    guard case .locked = error, attempt < 1000 else { throw Self.translated(error, path) }
                    usleep(1000)
                }
            }
        }
    }

    /// Ends its use: whatever is asked from now on, it cannot tell. Returns when its files are closed; throws `inUse`
    /// when some reader does not come to an end.
    func close() throws(BlockStoreError) {
        incomplete.store(true, ordering: .releasing)
        current.withLock { $0 = nil }
        for _ in 0..<10_000 {
            do throws(StoreError) {
                // Closed at once: that it could be opened is what we want to know.
                _ = try RocksStore(directory: path, options: Self.options)
                return
            } catch {
                guard case .locked = error else { return }
                usleep(1000)
            }
        }
        throw .inUse(path: path)
    }

    /// Everything that the segments hold is in it.
    func isComplete() { incomplete.store(false, ordering: .releasing) }

    // MARK: Reading

    /// As `location(of:)`, for those who do not fill the index: throws when it cannot tell at present.
    func find(_ block: BlockID) throws(BlockStoreError) -> Location? {
        if let location = try location(of: block) { return location }
        guard !incomplete.load(ordering: .acquiring) else { throw unavailable() }
        // It may have become complete in between.
        return try location(of: block)
    }

    /// Nil when there is no such block.
    func location(of block: BlockID) throws(BlockStoreError) -> Location? {
        let found = try value(Self.key("b", block.rawValue), length: 16) { bytes in
            Location(
                segment: bytes.word(0), offset: Int(UInt32(truncatingIfNeeded: bytes.word(8))),
                size: UInt32(truncatingIfNeeded: bytes.word(8) >> 32))
        }
        guard let found else { return nil }
        guard SegmentRecord.isPossible(found.size), found.offset >= SegmentRecord.headerSize,
            found.segment <= SegmentFiles.largestNumber
        else { throw damaged("the place of block \(block) is none") }
        return found
    }

    /// Nil in a new index.
    func checkpoint() throws(BlockStoreError) -> Checkpoint? {
        let found = try value([UInt8(ascii: "c")], length: 32) { bytes in
            Checkpoint(segment: bytes.word(0), offset: bytes.word(8), batch: bytes.word(16), blocks: bytes.word(24))
        }
        guard let found else { return nil }
        guard found.segment <= SegmentFiles.largestNumber, found.batch <= SegmentRecord.largestBatch,
            found.offset <= UInt64(UInt32.max)
        else { throw damaged("its checkpoint is none") }
        return found
    }

    /// All segments that are known.
    func segments() throws(BlockStoreError) -> [UInt64: SegmentUse] {
        var result: [UInt64: SegmentUse] = [:]
        let cursor = try store().iterator(from: [UInt8(ascii: "s")], upTo: [UInt8(ascii: "t")])
        cursor.seekToFirst()
        while cursor.isValid {
            let (key, value) = (cursor.key, cursor.value)
            guard key.count == 9, value.count == 16 else { throw damaged("an entry of a segment is malformed") }
            let number = key.dropFirst().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
            guard number <= SegmentFiles.largestNumber else { throw damaged("a segment has an impossible number") }
            result[number] = value.withUnsafeBytes { SegmentUse(written: $0.word(0), live: $0.word(8)) }
            cursor.next()
        }
        try checked { () throws(StoreError) in try cursor.checkStatus() }
        return result
    }

    private func value<Result>(
        _ key: [UInt8], length: Int, _ body: (UnsafeRawBufferPointer) -> Result
    ) throws(BlockStoreError) -> Result? {
        let store = try store()
        var isMalformed = false
        let result = try checked { () throws(StoreError) in
            try store.withValue(of: key) { bytes -> Result? in
                guard bytes.count == length else {
                    isMalformed = true
                    return nil
                }
                return body(bytes)
            }
        }
        if isMalformed { throw damaged("an entry has the wrong length") }
        return result ?? nil
    }

    // MARK: Changing

    static func put(_ block: BlockID, at location: Location, in changes: inout Changes) {
        let place = UInt64(location.offset) | UInt64(location.size) << 32
        changes.put(key("b", block.rawValue), bytes(location.segment, place))
    }

    static func remove(_ block: BlockID, in changes: inout Changes) {
        changes.delete(key("b", block.rawValue))
    }

    static func put(_ segment: UInt64, _ use: SegmentUse, in changes: inout Changes) {
        changes.put(key("s", segment), bytes(use.written, use.live))
    }

    static func remove(segment: UInt64, in changes: inout Changes) {
        changes.delete(key("s", segment))
    }

    static func put(_ checkpoint: Checkpoint, in changes: inout Changes) {
        changes.put(
            [UInt8(ascii: "c")],
            bytes(checkpoint.segment, checkpoint.offset) + bytes(checkpoint.batch, checkpoint.blocks))
    }

    /// Carries out all changes or none.
    func apply(_ changes: Changes) throws(BlockStoreError) {
        let store = try store()
        try checked { () throws(StoreError) in try store.write(changes, durable: false) }
    }

    /// Returns when everything applied so far is durable.
    func flush() throws(BlockStoreError) {
        let store = try store()
        try checked { () throws(StoreError) in try store.flush() }
    }

    // MARK: Help

    private func store() throws(BlockStoreError) -> any OrderedStore {
        guard let store = current.withLock({ $0 }) else { throw unavailable() }
        return store
    }

    /// Not an error of the medium: the index is read anew, or waits for space to do so.
    private func unavailable() -> BlockStoreError { .system(operation: "index of small blocks", code: EAGAIN) }

    private func damaged(_ reason: String) -> BlockStoreError { .smallBlocksDamaged(path: path, reason: reason) }

    private func checked<Result>(_ body: () throws(StoreError) -> Result) throws(BlockStoreError) -> Result {
        do throws(StoreError) { return try body() } catch { throw Self.translated(error, path) }
    }

    private static func translated(_ error: StoreError, _ path: String) -> BlockStoreError {
        switch error {
        case .noSpace: .system(operation: "write \(path)", code: ENOSPC)
        case .exhausted(let text): .system(operation: "\(path): \(text)", code: EMFILE)
        case .locked: .inUse(path: path)
        case .corruption(let text), .invalid(let text): .smallBlocksDamaged(path: path, reason: text)
        case .inputOutput(let text): .system(operation: "\(path): \(text)", code: EIO)
        case .withoutWriteAheadLog, .closed: .system(operation: "\(path): \(error)", code: EIO)
        }
    }

    private static func key(_ prefix: Unicode.Scalar, _ number: UInt64) -> [UInt8] {
        var key = [UInt8(ascii: prefix)]
        withUnsafeBytes(of: number.bigEndian) { key.append(contentsOf: $0) }
        return key
    }

    private static func bytes(_ first: UInt64, _ second: UInt64) -> [UInt8] {
        var result: [UInt8] = []
        for word in [first, second] { withUnsafeBytes(of: word.littleEndian) { result.append(contentsOf: $0) } }
        return result
    }
}

extension UnsafeRawBufferPointer {
    /// A little-endian word; inside of the buffer.
    fileprivate func word(_ offset: Int) -> UInt64 {
        UInt64(littleEndian: loadUnaligned(fromByteOffset: offset, as: UInt64.self))
    }
}
