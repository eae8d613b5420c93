import Glibc
import Protocol

/// The writing side of the small blocks: batches to the end of the log, then into the index. Used by one thread at a
/// time.
struct SmallBlockLog {
    private var state: SmallBlockState
    private var writer: SegmentWriter
    private var compaction: SegmentCompaction
    private let files: SegmentFiles
    private let key: SecretKey
    private let reserve: SpaceReserve
    private var lastBatch: UInt64
    /// The index lags behind the log, after an error; it has to be opened anew before anything else is written.
    private var isBehind = false
    /// Tidying up failed or found nothing to do; not again before something was erased, or somebody asks for it.
    private var isTidyingHalted = false
    /// Segments of no use that cannot be deleted.
    private var undeletable: Set<UInt64> = []
    /// Why nothing is written any more.
    private var end: BlockStoreError?
    private var notices: [SmallBlockNotice] = []
    /// What tidying up met since somebody asked, other than a full disk.
    private var tidyingError: BlockStoreError?

    init(
        _ state: SmallBlockState, _ writer: SegmentWriter, _ files: SegmentFiles, _ key: SecretKey,
        _ reserve: SpaceReserve
    ) {
        self.state = state
        self.writer = writer
        self.files = files
        self.key = key
        self.reserve = reserve
        compaction = SegmentCompaction(files, key, reserve)
        lastBatch = state.checkpoint?.batch ?? 0
    }

    var blocks: Int { state.blocks }
    /// Segments whose garbage stays because they cannot be read.
    var segmentsSetAside: Int { compaction.unreadable.union(undeletable).count }

    /// Refuses everything from now on.
    mutating func stop(because error: BlockStoreError) {
        end = error
        writer.leave()
    }

    /// What was found since the last call, and the error of tidying up, if any.
    mutating func takeFindings() -> (notices: [SmallBlockNotice], error: BlockStoreError?) {
        defer { (notices, tidyingError) = ([], nil) }
        return (notices + compaction.takeNotices(), tidyingError)
    }

    // MARK: Committing

    /// Carries changes out with one sync; the result of each. A full disk refuses blocks but still takes erasures.
    mutating func commit(_ changes: [SmallBlockChange]) -> [Result<Void, BlockStoreError>] {
        do throws(BlockStoreError) {
            try write(changes.map(\.pending))
            if changes.contains(where: \.isErasure) { isTidyingHalted = false }
            return changes.map { _ in .success(()) }
        } catch {
            let erasures = changes.filter(\.isErasure)
            guard error.isOutOfSpace, !erasures.isEmpty else { return changes.map { _ in .failure(error) } }
            let outcome = writeOnFullDisk(erasures)
            return changes.map { $0.isErasure ? outcome : .failure(error) }
        }
    }

    private mutating func writeOnFullDisk(_ erasures: [SmallBlockChange]) -> Result<Void, BlockStoreError> {
        do throws(BlockStoreError) {
            do throws(BlockStoreError) {
                try write(erasures.map(\.pending))
            } catch where error.isOutOfSpace && reserve.release() {
                try write(erasures.map(\.pending))
            }
            isTidyingHalted = false
            return .success(())
        } catch {
            return .failure(error)
        }
    }

    private mutating func write(_ pending: [SegmentWriter.Pending]) throws(BlockStoreError) {
        if let end { throw end }
        try catchUp()
        lastBatch += 1
        let written = try writer.append(pending, batch: lastBatch)
        let placed = zip(pending, written.offsets).map { item, offset in
            var record = item.record
            record.batch = lastBatch
            return SmallBlockState.Placed(record: record, offset: offset)
        }
        isBehind = true
        try state.apply(placed, in: written.segment, upTo: written.end)
        isBehind = false
        if writer.isFull { try leaveSegment() }
    }

    /// Begins another segment with the next batch, and bounds what a start after a crash has to read.
    private mutating func leaveSegment() throws(BlockStoreError) {
        writer.leave()
        // The batch is durable whatever comes of this; a failed flush shows with the next change.
        do throws(BlockStoreError) { try state.index.flush() } catch { isBehind = true }
    }

    /// After an error of the index: opens it anew and reads what it lost from the segments.
    private mutating func catchUp() throws(BlockStoreError) {
        guard isBehind else { return }
        // Until there is room the old one can still be read.
        guard try files.availableBytes() >= SmallBlockStore.leastBytes || reserve.release() else {
            throw .system(operation: "index of small blocks", code: ENOSPC)
        }
        writer.leave()
        compaction.stop()
        try state.index.reopen()
        state = try SmallBlockState(state.index)
        var recovery = SmallBlockRecovery(files, key, cleans: true)
        _ = try recovery.run(&state)
        notices += recovery.notices.map { SmallBlockNotice($0) }
        lastBatch = max(lastBatch, state.checkpoint?.batch ?? 0)
        state.index.isComplete()
        isBehind = false
    }

    // MARK: Tidying up

    /// What failed is tried once more.
    mutating func resumeTidying() { isTidyingHalted = false }

    /// Does a little towards getting the space of erased blocks back. False when there is nothing to do.
    mutating func tidyUp() -> Bool {
        guard !isTidyingHalted, end == nil else { return false }
        do throws(BlockStoreError) {
            // A disk that is only read would never get its index back otherwise.
            try catchUp()
            if try deleteDead() { return true }
            if let number = writer.number, state.isWorthLeaving(number) {
                try leaveSegment()
                return true
            }
            if try move() { return true }
        } catch {
            compaction.stop()
            // What is deleted gives more back than this takes.
            if error.isOutOfSpace, reserve.release() { return true }
            if !error.isOutOfSpace {
                tidyingError = error
                notices.append(.init("tidying up stopped: \(error)", isMediumError: error.isMediumError))
            }
        }
        isTidyingHalted = true
        return false
    }

    private mutating func deleteDead() throws(BlockStoreError) -> Bool {
        let dead = state.deadSegments(except: writer.number).filter { !undeletable.contains($0) }
        guard !dead.isEmpty else { return false }
        // A start after a crash must not look for them, nor miss the erasures they hold.
        try state.index.flush()
        var deleted: [UInt64] = []
        for number in dead where delete(number) { deleted.append(number) }
        try state.forget(deleted)
        reserve.keep()
        return true
    }

    /// False when the segment has to stay until the disk is opened anew; the others have their turn all the same.
    private mutating func delete(_ number: UInt64) -> Bool {
        do throws(BlockStoreError) {
            try files.delete(number)
            return true
        } catch {
            undeletable.insert(number)
            notices.append(.init("\(error); it stays", isMediumError: error.isMediumError))
            return false
        }
    }

    /// Copies some blocks that are still of use out of a segment with much garbage.
    private mutating func move() throws(BlockStoreError) -> Bool {
        guard let pending = try compaction.next(state, writing: writer.number) else { return false }
        if !pending.isEmpty { try write(pending) }
        return true
    }
}
