import Glibc
import Protocol

/// The log on disk: records one behind the other in preallocated files of fixed size, which are used again once
/// trimmed. A sync is therefore one `fdatasync` that changes no metadata of the file system.
///
/// Recovery takes the longest unbroken sequence of records that ends with the newest whole one. A torn last record was
/// never acknowledged and is overwritten; a record missing before the newest one that is still needed is corruption.
public final class SegmentedLogStore: LogStore {
    /// A file and what lies in it.
    final class Segment {
        let file: LogFile
        /// What recovery found, for `replay`; what is written later is not listed.
        var records: [StoredRecord] = []
        /// The number of the first needed record in it; nil when there is none.
        var firstNumber: UInt64?
        /// The last entry of each group in it.
        var tails: [LogGroupID: LogIndex] = [:]
        /// Where the next record goes.
        var end = 0

        init(_ file: LogFile) {
            self.file = file
        }

        /// Hands the entries that recovery found to `body`.
        func replay(_ body: (LogGroupID, LogIndex, UnsafeRawBufferPointer) throws -> Void) throws {
            for record in records {
                let payload = UnsafeMutableRawBufferPointer.allocate(byteCount: record.payloadCount, alignment: 16)
                defer { payload.deallocate() }
                try file.read(payload, at: record.offset + LogRecord.headerSize)
                guard try LogBatch.forEach(in: UnsafeRawBufferPointer(payload), body) else {
                    throw LogError.corruption("record \(record.number) of \(file.path)")
                }
            }
        }

        func empty() {
            records.removeAll()
            firstNumber = nil
            tails.removeAll()
            end = 0
        }
    }

    struct StoredRecord {
        var number: UInt64
        var offset: Int
        var payloadCount: Int
    }

    private let directory: LogDirectory
    private let options: LogStoreOptions
    private let identity: UInt64
    /// Segments with needed records, oldest first; the last one is being written.
    private var live: [Segment]
    /// Trimmed segments; a durable record says that nothing in them is needed.
    private var free: [Segment]
    /// Trimmed segments that the newest durable record still names as needed: overwriting one now would look like
    /// corruption after a crash.
    private var released: [Segment] = []
    /// Those of `released` that the record being written no longer names.
    private var releasedBeforeWrite: [Segment] = []
    private var nextNumber: UInt64
    private var createdSegments: Int
    private var trimmed: [LogGroupID: LogIndex] = [:]
    private var unsynced: Segment?
    private var failure: LogError?
    private var scratch: UnsafeMutableRawBufferPointer

    /// Opens the log in `directory`, whose parent must exist. With `mustExist` a missing log is `.missing` instead of a
    /// new one: for a service whose state says that there was one.
    public init(
        directory path: String, options: LogStoreOptions = LogStoreOptions(), mustExist: Bool = false
    ) throws(LogError) {
        let directory = try LogDirectory(path: path)
        let identity = try directory.identity(mustExist: mustExist)
        let recovered = try LogRecovery.run(directory, identity: identity)
        self.directory = directory
        self.options = options
        self.identity = identity
        live = recovered.live
        free = recovered.free
        nextNumber = recovered.nextNumber
        createdSegments = recovered.createdSegments
        // Last: nobody frees it when opening fails before.
        scratch = .allocate(byteCount: 64 << 10, alignment: 4096)
        // The newest record may have been written and never synced; it counts from now on, so it has to stay.
        try live.last?.file.sync()
    }

    deinit {
        scratch.deallocate()
    }

    public func close() {
        live.removeAll()
        free.removeAll()
        failure = .closed
    }

    public var retainedBytes: Int { live.reduce(0) { $0 + $1.end } }

    // MARK: Reading

    public func replay(_ body: (LogGroupID, LogIndex, UnsafeRawBufferPointer) throws -> Void) throws {
        for segment in live { try segment.replay(body) }
    }

    // MARK: Writing

    public func write(_ batches: [LogBatch]) throws(LogError) {
        try usable { () throws(LogError) in try writeRecord(batches) }
    }

    public func sync() throws(LogError) {
        try usable { () throws(LogError) in
            guard let segment = unsynced else { return }
            try segment.file.sync()
            unsynced = nil
            free += releasedBeforeWrite
            releasedBeforeWrite.removeAll()
        }
    }

    public func trim(through indices: [LogGroupID: LogIndex]) throws(LogError) {
        trimmed.merge(indices) { max($0, $1) }
        while live.count > 1, let oldest = live.first, isTrimmed(oldest) {
            oldest.empty()
            released.append(oldest)
            live.removeFirst()
        }
    }

    private func isTrimmed(_ segment: Segment) -> Bool {
        segment.tails.allSatisfy { group, tail in trimmed[group].map { tail <= $0 } ?? false }
    }

    private func writeRecord(_ batches: [LogBatch]) throws(LogError) {
        let payloadCount = batches.reduce(0) { $0 + $1.byteCount }
        guard payloadCount > 0 else { return }
        // At most one record is unsynced at a time: of two, a power failure might leave the later one alone, and the log
        // could not be opened.
        try sync()
        let segment = try segment(withRoomFor: LogRecord.storedSize(payloadCount: payloadCount))
        try append(batches, payloadCount: payloadCount, to: segment)
    }

    private func append(_ batches: [LogBatch], payloadCount: Int, to segment: Segment) throws(LogError) {
        let size = LogRecord.storedSize(payloadCount: payloadCount)
        reserveScratch(size)
        let buffer = UnsafeMutableRawBufferPointer(rebasing: scratch[..<size])
        var offset = LogRecord.headerSize
        for batch in batches {
            batch.bytes.withUnsafeBytes { bytes in
                UnsafeMutableRawBufferPointer(rebasing: buffer[offset...]).copyMemory(from: bytes)
            }
            offset += batch.byteCount
        }
        let record = LogRecord(
            number: nextNumber, firstNeeded: live.first?.firstNumber ?? nextNumber,
            payloadCount: payloadCount, entryCount: UInt32(clamping: batches.reduce(0) { $0 + $1.entryCount }))
        record.seal(in: buffer, identity: identity)
        unsynced = segment
        releasedBeforeWrite += released
        released.removeAll()
        try segment.file.write(UnsafeRawBufferPointer(buffer), at: segment.end)
        if segment.firstNumber == nil { segment.firstNumber = nextNumber }
        for batch in batches { segment.tails.merge(batch.tails) { _, later in later } }
        segment.end += size
        nextNumber += 1
    }

    /// The segment being written, or the next one. Room for an empty record always stays at the end, see
    /// `nextSegment()`.
    private func segment(withRoomFor size: Int) throws(LogError) -> Segment {
        if let current = live.last, current.end + size + LogRecord.alignment <= options.segmentBytes { return current }
        guard size + LogRecord.alignment <= options.segmentBytes else {
            throw .noSpace("a write of \(size) bytes does not fit a segment of \(options.segmentBytes)")
        }
        let segment = try nextSegment()
        live.append(segment)
        return segment
    }

    private func nextSegment() throws(LogError) -> Segment {
        if free.isEmpty, !released.isEmpty, let current = live.last {
            // An empty record makes it durable that the released segments are not needed; then they can be overwritten.
            try append([], payloadCount: 0, to: current)
        }
        try sync()
        return free.isEmpty ? try makeSegment() : free.removeLast()
    }

    private func makeSegment() throws(LogError) -> Segment {
        guard (live.count + 1) * options.segmentBytes <= options.maximumBytes else {
            throw .noSpace("\(directory.path) holds \(retainedBytes) bytes that no flush of the state has released")
        }
        createdSegments += 1
        let file = try LogFile(path: LogDirectory.segmentPath(directory.path, createdSegments), create: true)
        try file.preallocate(options.segmentBytes)
        try directory.sync()
        return Segment(file)
    }

    private func usable(_ body: () throws(LogError) -> Void) throws(LogError) {
        if let failure { throw failure }
        do throws(LogError) { try body() } catch {
            failure = error
            throw error
        }
    }

    private func reserveScratch(_ count: Int) {
        guard scratch.count < count else { return }
        scratch.deallocate()
        scratch = .allocate(byteCount: max(count, scratch.count * 2), alignment: 4096)
    }
}

/// Sizes of a `SegmentedLogStore`.
public struct LogStoreOptions: Sendable {
    /// Bytes of one file; also the limit for one write. A multiple of 512.
    public var segmentBytes = 16 << 20
    /// When the retained entries take as much, because the state is not being flushed, writes fail.
    public var maximumBytes = 2 << 30

    public init() {}
}
