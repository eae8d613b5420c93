import Consensus
import Mutations
import Protocol

/// The log on disk: records one behind the other in preallocated files of fixed size, which are used again once
/// trimmed. A sync is therefore one `fdatasync` that changes no metadata of the file system.
///
/// Each record is written in two places under one sync (`SegmentLayout`), so that damage to the newest one is told from a
/// write that was cut short (`LogRecovery`). A record missing before the newest one that is still needed is corruption.
///
/// Opening believes nothing of the newest record: when its sync failed, the page cache may hold what the disk never got,
/// and would say that it is synced. So it is written again, to a new place, and synced before anything follows it.
public final class SegmentedLogStore: LogStore {
    /// What recovery found not to be as it was written, sentences for people.
    public let notices: [String]

    let disk: any LogDisk
    let options: LogStoreOptions
    public let incarnation: Incarnation
    private let identity: UInt64
    /// Segments with needed records; the last one is being written.
    var reading: LogReading
    /// Trimmed segments; a durable record says that nothing in them is needed.
    var free: [Segment]
    /// Trimmed segments that the newest durable record still names as needed: overwriting one now would look like
    /// corruption after a crash.
    private var released: [Segment] = []
    /// Those of `released` that the record being written no longer names.
    private var releasedBeforeWrite: [Segment] = []
    private var nextNumber: UInt64
    /// The hash of the record before; 0 if there is none.
    private var newestHash: UInt64
    private var createdSegments: Int
    private var trimmed: [LogGroupID: LogIndex] = [:]
    private var unsynced: Segment?
    private var failure: LogError?
    /// What opening writes has its room, so that the state can be flushed for more.
    private var isOpening = true
    private var scratch: UnsafeMutableRawBufferPointer

    /// Opens the log in the directory `path`, whose parent must exist. With `mustExist` a missing log is `.missing`
    /// instead of a new one: for a service whose state says that there was one.
    public convenience init(
        directory path: String, options: LogStoreOptions = LogStoreOptions(), mustExist: Bool = false
    ) throws(LogError) {
        try self.init(disk: try LogDirectory(path: path), options: options, mustExist: mustExist)
    }

    /// The same on any disk.
    public init(
        disk: any LogDisk, options: LogStoreOptions = LogStoreOptions(), mustExist: Bool = false
    ) throws(LogError) {
        let identity = try LogIdentity.open(disk, mustExist: mustExist)
        let recovered = try LogRecovery.run(disk, identity, acceptsLostTail: options.acceptsLostTail)
        self.disk = disk
        self.options = options
        self.identity = identity.number
        incarnation = identity.incarnation
        notices = recovered.notices
        reading = recovered.reading
        free = recovered.free
        nextNumber = recovered.nextNumber
        newestHash = recovered.newestHash
        createdSegments = recovered.createdSegments
        // Last: nobody frees it when opening fails before.
        scratch = .allocate(byteCount: 64 << 10, alignment: 4096)
        try removeUnfinished()
        // The names that are there as well: whoever made them may not have come to that.
        try disk.sync()
        try giveUp(recovered.givenUp)
        try writeNewestAgain(identity, recovered.newestPlaces)
        try removeUnusable(recovered.unusable)
        isOpening = false
    }

    deinit {
        scratch.deallocate()
    }

    public func close() {
        reading = LogReading()
        free.removeAll()
        failure = .closed
    }

    public var retainedBytes: Int { reading.live.reduce(0) { $0 + $1.end } }

    // MARK: Reading

    public func replay(_ body: (LogGroupID, StoredEntry) throws -> Void) throws {
        try reading.replay(body)
    }

    public var contents: [LogGroupID: LogContents] { reading.groups }

    public func read(
        from starts: [LogGroupID: LogIndex], _ body: (LogGroupID, LogEntry) throws -> Bool
    ) throws {
        if let failure { throw failure }
        try reading.read(from: starts, identity: identity, body)
    }

    // MARK: Writing

    private var layout: SegmentLayout { SegmentLayout(fileBytes: options.segmentBytes) }
    public var largestWriteBytes: Int { layout.largestPayload }

    public func write(_ batches: [LogBatch]) throws(LogError) {
        if let failure { throw failure }
        let batches = reading.cutting(batches)
        let payloadCount = batches.reduce(0) { $0 + $1.byteCount }
        guard payloadCount > 0 else { return }
        guard payloadCount <= largestWriteBytes else {
            throw .inputOutput("a write of \(payloadCount) bytes does not fit a segment of \(options.segmentBytes)")
        }
        // Votes, and what a leader begins with, have their room here: with it everything can be read at least.
        if batches.contains(where: \.hasCommands) { try checkRoom(for: 0) }
        // At most one record is unsynced at a time: of two, a power failure might leave the later one alone, and the log
        // could not be opened.
        try sync()
        let size = LogRecord.storedSize(payloadCount: payloadCount, .chained)
        var segment = try segment(withRoomFor: size)
        if !segment.hasSummary, !Mutation.summariesAreNotWritten.isPlanted {
            try writeSummary()
            segment = try self.segment(withRoomFor: size)
        }
        try append(batches, payloadCount: payloadCount, to: segment)
    }

    /// The newest hard states and bases go where the segments before can go without them.
    private func writeSummary() throws(LogError) {
        let summary = LogBatch.summary(of: reading.groups)
        guard summary.byteCount <= layout.largestSummary else {
            throw .inputOutput("what \(reading.groups.count) groups have to know does not fit a segment")
        }
        let size = LogRecord.storedSize(payloadCount: summary.byteCount, .chained)
        try append([summary], payloadCount: summary.byteCount, to: try segment(withRoomFor: size))
        try sync()
    }

    public func sync() throws(LogError) {
        try usable { () throws(LogError) in
            guard let segment = unsynced else { return }
            try segment.file.sync()
            unsynced = nil
            // What cannot be read everywhere stays as it is, for the next opening to remove.
            free += releasedBeforeWrite.filter {
                $0.unreadable.isEmpty || Mutation.unreadableSegmentsAreUsedAgain.isPlanted
            }
            releasedBeforeWrite.removeAll()
        }
    }

    public func trim(through indices: [LogGroupID: LogIndex]) throws(LogError) {
        trimmed.merge(indices) { max($0, $1) }
        for segment in reading.trim(through: trimmed) {
            segment.empty()
            if Mutation.releasedSegmentsAreFreeAtOnce.isPlanted {
                free.append(segment)
            } else {
                released.append(segment)
            }
        }
    }

    func append(_ batches: [LogBatch], payloadCount: Int, to segment: Segment) throws(LogError) {
        try usable { () throws(LogError) in try writeRecord(batches, payloadCount: payloadCount, to: segment) }
    }

    private func writeRecord(_ batches: [LogBatch], payloadCount: Int, to segment: Segment) throws(LogError) {
        let size = LogRecord.storedSize(payloadCount: payloadCount, .chained)
        reserveScratch(size)
        let buffer = UnsafeMutableRawBufferPointer(rebasing: scratch[..<size])
        var offset = LogFormat.chained.headerSize
        for batch in batches {
            batch.bytes.withUnsafeBytes { bytes in
                UnsafeMutableRawBufferPointer(rebasing: buffer[offset...]).copyMemory(from: bytes)
            }
            offset += batch.byteCount
        }
        let payload = UnsafeRawBufferPointer(rebasing: buffer[LogFormat.chained.headerSize..<offset])
        guard reading.take(payload, .chained, in: segment) else {
            throw .corruption("\(disk.path): an entry does not follow on what was written before")
        }
        var record = LogRecord(
            number: nextNumber, firstNeeded: reading.live.first?.firstNumber ?? nextNumber, previousHash: newestHash,
            payloadCount: payloadCount, entryCount: UInt32(clamping: batches.reduce(0) { $0 + $1.entryCount }))
        record.seal(in: buffer, identity: identity)
        unsynced = segment
        releasedBeforeWrite += released
        released.removeAll()
        let place = SegmentLayout.place(size, at: segment.end)
        try segment.file.write(UnsafeRawBufferPointer(buffer), at: place.offset)
        if !Mutation.newestRecordHasNoCopy.isPlanted {
            try segment.file.write(UnsafeRawBufferPointer(buffer), at: place.copyOffset)
        }
        if segment.firstNumber == nil { segment.firstNumber = nextNumber }
        segment.records.append(StoredRecord(record, at: place.offset))
        segment.end = place.end
        nextNumber += 1
        newestHash = record.hash
    }

    /// The segment being written, or the next one.
    func segment(withRoomFor size: Int) throws(LogError) -> Segment {
        if let current = reading.live.last, current.layout.hasRoom(forRecord: size, at: current.end) { return current }
        let segment = try nextSegment()
        reading.begin(segment)
        return segment
    }

    private func nextSegment() throws(LogError) -> Segment {
        if free.isEmpty, !released.isEmpty, let current = reading.live.last {
            // An empty record makes it durable that the released segments are not needed; then they can be overwritten.
            try append([], payloadCount: 0, to: current)
        }
        try sync()
        if let segment = free.popLast() { return segment }
        guard isOpening || (reading.live.count + 1) * options.segmentBytes <= options.maximumBytes else {
            throw .noSpace("\(disk.path) holds \(retainedBytes) bytes that no flush of the state has released")
        }
        try checkRoom(for: options.segmentBytes)
        return try makeSegment()
    }

    /// A segment has its name only once it is whole: half of one would hold the last bytes of a full disk for nothing.
    func makeSegment() throws(LogError) -> Segment {
        let name = SegmentName.name(createdSegments + 1)
        do throws(LogError) {
            let file = try disk.open(name + SegmentName.unfinished, create: true)
            try file.preallocate(options.segmentBytes)
            try disk.rename(name + SegmentName.unfinished, to: name, replacing: false)
            if !Mutation.segmentNamesAreNotSynced.isPlanted { try disk.sync() }
            createdSegments += 1
            return Segment(name, file, fileBytes: options.segmentBytes)
        } catch {
            // What cannot be removed now is at the next opening.
            try? disk.remove(name + SegmentName.unfinished)
            guard case .noSpace = error else { return try usable { () throws(LogError) in throw error } }
            throw error
        }
    }

    /// The state has to be stored before the log can let go of anything, so the log leaves room for that.
    private func checkRoom(for byteCount: Int) throws(LogError) {
        guard options.minimumFreeBytes > 0 else { return }
        let (free, needed) = (try disk.freeBytes(), byteCount + options.minimumFreeBytes)
        guard free >= needed else {
            throw .noSpace("\(free) bytes are free on the disk of \(disk.path), and \(needed) are needed")
        }
    }

    // MARK: Failing

    /// After an error in `body` nobody knows what the disk holds: the log has failed for good, also when it is for lack
    /// of room.
    private func usable<Result>(_ body: () throws(LogError) -> Result) throws(LogError) -> Result {
        if let failure { throw failure }
        do throws(LogError) { return try body() } catch {
            let lasting: LogError
            if case .noSpace(let text) = error { lasting = .inputOutput(text) } else { lasting = error }
            failure = lasting
            throw lasting
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
    /// Bytes of one file; one write takes less than half of it, as it is stored twice. A multiple of 4096.
    public var segmentBytes = 16 << 20
    /// When the retained entries take as much, because the state is not being flushed, writes fail.
    public var maximumBytes = 2 << 30
    /// What stays free on the disk, for storing the state; when it would be less, writes fail for lack of room.
    public var minimumFreeBytes = 0
    /// Opens a log although its newest entries are damaged and may have been acknowledged: they are forgotten.
    public var acceptsLostTail = false

    public init() {}
}
