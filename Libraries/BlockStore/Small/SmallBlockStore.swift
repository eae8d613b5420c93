import Glibc
import Protocol
import Synchronization

/// The small blocks of a disk: a log of segments and an index of where each block lies. Thread-safe.
///
/// Changes gather while the sync of those before them is in flight, and then share one. Whoever brings the first of
/// them leads: it writes for all until nobody waits any more; everybody else returns at once.
final class SmallBlockStore: Sendable {
    private struct Gathering {
        var waiting: [SmallBlockChange] = []
        var isLed = false
    }

    /// What recovery had to say.
    let notices: [String]

    private let index: SmallBlockIndex
    private let files: SegmentFiles
    private let gathering = Mutex(Gathering())
    private let log: Mutex<SmallBlockLog>
    private let blockCount: Atomic<Int>
    private let pagesInMemory = Atomic(0)
    /// Once set it stays: the disk needs somebody to look after it.
    private let damaged = Atomic(false)
    private let found = Mutex<[SmallBlockNotice]>([])
    private let setAside = Atomic(0)

    static let directoryName = "small_blocks"
    static let indexName = "index"
    /// Pages that wait for a sync, or for the rest of their block, at most: what comes in beyond becomes files.
    private static let memoryLimit = 16 << 20
    private static let batchBytes = 4 << 20
    private static let batchCount = 2048
    /// Steps of tidying up, each of about a sync, that one turn takes at most.
    private static let tidyingSteps = 16
    /// Notices that nobody has asked for yet are not kept beyond so many.
    private static let noticeLimit = 100
    /// What must be free before the index is opened.
    static let leastBytes: UInt64 = 1 << 20

    /// Opens the store below `disk`, made when it is not there; reads what a crash took from the index.
    init(of disk: FileDescriptor, path: String, key: SecretKey) throws(BlockStoreError) {
        if mkdirat(disk.raw, Self.directoryName, 0o777) != 0, errno != EEXIST {
            throw .last("create \(path)/\(Self.directoryName)")
        }
        // Also when it was there: whoever made it may not have come to that.
        try disk.sync(path)
        let directory = try FileDescriptor.open(Self.directoryName, in: disk, flags: O_RDONLY | O_DIRECTORY)
        files = SegmentFiles(directory)
        let indexPath = "\(path)/\(Self.directoryName)/\(Self.indexName)"
        let reserve = SpaceReserve(in: directory)
        try Self.makeRoom(files, reserve)
        let opened: Recovered
        do throws(BlockStoreError) {
            opened = try Self.recovered(indexPath, files, key)
        } catch where error.isOutOfSpace && reserve.release() {
            opened = try Self.recovered(indexPath, files, key)
        }
        // The name of the index: without it, what was erased comes back.
        try directory.sync("\(path)/\(Self.directoryName)")
        index = opened.state.index
        blockCount = Atomic(opened.state.blocks)
        reserve.keep()
        let writer = SegmentWriter(files, key, nextNumber: opened.nextNumber)
        log = Mutex(SmallBlockLog(opened.state, writer, files, key, reserve))
        notices = opened.notices
    }

    /// RocksDB must not run out of space while it opens: it may end the process then.
    private static func makeRoom(_ files: SegmentFiles, _ reserve: SpaceReserve) throws(BlockStoreError) {
        if try files.availableBytes() < SpaceReserve.bytes { reserve.release() }
        guard try files.availableBytes() >= leastBytes else {
            throw .system(operation: "open index of small blocks", code: ENOSPC)
        }
    }

    private struct Recovered {
        var state: SmallBlockState
        var nextNumber: UInt64
        var notices: [String]
    }

    /// Opens the index and brings it up to the segments; both take space.
    private static func recovered(
        _ path: String, _ files: SegmentFiles, _ key: SecretKey
    ) throws(BlockStoreError) -> Recovered {
        var state = try SmallBlockState(SmallBlockIndex(opening: path))
        var recovery = SmallBlockRecovery(files, key, cleans: true)
        let nextNumber = try recovery.run(&state)
        state.index.isComplete()
        return Recovered(state: state, nextNumber: nextNumber, notices: recovery.notices)
    }

    /// Throws what would keep an index from being made from the segments: one that cannot be read, or no room.
    static func checkSegments(below disk: FileDescriptor, key: SecretKey) throws(BlockStoreError) {
        let directory = try FileDescriptor.open(Self.directoryName, in: disk, flags: O_RDONLY | O_DIRECTORY)
        let files = SegmentFiles(directory)
        try makeRoom(files, SpaceReserve(in: directory))
        for number in try files.numbers() {
            do throws(BlockStoreError) {
                let reader = SegmentReader(try files.open(number).file, SegmentSeal(key, segment: number), from: 0)
                while try reader.next() != nil {}
            } catch where error.isMissingFile {
                continue  // nothing in it was of use any more
            }
        }
    }

    /// Takes the index away, so that the next one is made from the segments. Nobody may have it open.
    static func removeIndex(below disk: FileDescriptor, path: String) throws(BlockStoreError) {
        let directory = try FileDescriptor.open(Self.directoryName, in: disk, flags: O_RDONLY | O_DIRECTORY)
        try DirectoryRemoval.remove(indexName, in: directory)
        try directory.sync("\(path)/\(directoryName)")
    }

    /// Blocks in the store.
    var blocks: Int { blockCount.load(ordering: .relaxed) }

    /// Whether it was found to contradict itself.
    var isDamaged: Bool { damaged.load(ordering: .relaxed) }

    /// Makes the index durable, so that the next start has nothing to read again.
    func flushIndex() throws(BlockStoreError) {
        try noting { () throws(BlockStoreError) in try index.flush() }
    }

    /// Segments whose garbage stays because they cannot be read.
    var segmentsSetAside: Int { setAside.load(ordering: .relaxed) }

    /// What was found since the last call.
    func takeNotices() -> [SmallBlockNotice] {
        found.withLock { found in
            defer { found = [] }
            return found
        }
    }

    /// Ends its use: changes are refused with `error`, reads cannot tell. Returns when its index is closed and nobody
    /// writes any more.
    func retire(because error: BlockStoreError) throws(BlockStoreError) {
        log.withLock { $0.stop(because: error) }
        try index.close()
    }

    // MARK: Reading

    /// Nil when there is no such block.
    func open(_ block: BlockID) throws(BlockStoreError) -> BlockFile? {
        for _ in 0..<100 {
            guard let location = try noting({ () throws(BlockStoreError) in try index.find(block) }) else {
                return nil
            }
            do throws(BlockStoreError) {
                return BlockFile(location, in: try files.open(location.segment))
            } catch .system(_, ENOENT) {
                continue  // the block was moved meanwhile and its segment deleted
            }
        }
        throw .system(operation: "segment of block \(block) is missing", code: EIO)
    }

    func contains(_ block: BlockID) throws(BlockStoreError) -> Bool {
        try noting { () throws(BlockStoreError) in try index.find(block) } != nil
    }

    /// Runs `body` and remembers damage.
    private func noting<Result>(_ body: () throws(BlockStoreError) -> Result) throws(BlockStoreError) -> Result {
        do throws(BlockStoreError) {
            return try body()
        } catch {
            note(error)
            throw error
        }
    }

    private func note(_ error: BlockStoreError) {
        if case .smallBlocksDamaged = error { damaged.store(true, ordering: .relaxed) }
    }

    // MARK: Changing

    /// Room in memory for `bytes` of pages, to be returned with `leaveMemory`; false when too much is there already.
    func enterMemory(_ bytes: Int) -> Bool {
        let (_, sum) = pagesInMemory.add(bytes, ordering: .relaxed)
        if sum > Self.memoryLimit { leaveMemory(bytes) }
        return sum <= Self.memoryLimit
    }

    func leaveMemory(_ bytes: Int) { pagesInMemory.subtract(bytes, ordering: .relaxed) }

    /// Carries a change out. May return before that is done, and may carry out others' before it returns.
    func submit(_ change: SmallBlockChange) {
        let leads = gathering.withLock { gathering in
            gathering.waiting.append(change)
            if gathering.isLed { return false }
            gathering.isLed = true
            return true
        }
        if leads { _ = lead() }
    }

    /// Gets some space of erased blocks back, also when that failed before; true when there is more to do.
    func tidyUp() -> Bool {
        let leads = gathering.withLock { gathering in
            defer { gathering.isLed = true }
            return !gathering.isLed
        }
        return leads && lead(resuming: true)
    }

    /// Carries out what waits until nothing does. Tidies up in between, but only so much: the thread has other work.
    /// True when tidying up has more to do.
    private func lead(resuming: Bool = false) -> Bool {
        log.withLock { log in
            if resuming { log.resumeTidying() }
            var stepsLeft = Self.tidyingSteps
            while true {
                let batch = nextBatch()
                if !batch.isEmpty {
                    carryOut(batch, in: &log)
                } else if stepsLeft > 0, log.tidyUp() {
                    stepsLeft -= 1
                } else {
                    keepFindings(of: &log)
                    if stopLeading() { return stepsLeft == 0 }
                }
            }
        }
    }

    private func keepFindings(of log: inout SmallBlockLog) {
        let (notices, error) = log.takeFindings()
        setAside.store(log.segmentsSetAside, ordering: .relaxed)
        if let error { note(error) }
        guard !notices.isEmpty else { return }
        found.withLock { $0 = Array(($0 + notices).suffix(Self.noticeLimit)) }
    }

    private func carryOut(_ batch: [SmallBlockChange], in log: inout SmallBlockLog) {
        let results = log.commit(batch)
        blockCount.store(log.blocks, ordering: .relaxed)
        for (change, result) in zip(batch, results) {
            if case .failure(let error) = result { note(error) }
            change.completion(result)
        }
    }

    /// As much as one sync should cover.
    private func nextBatch() -> [SmallBlockChange] {
        gathering.withLock { gathering in
            var (count, bytes) = (0, 0)
            for change in gathering.waiting {
                guard count < Self.batchCount, bytes < Self.batchBytes else { break }
                if case .store(let pages, _) = change.action { bytes += pages.count }
                count += 1
            }
            let batch = Array(gathering.waiting.prefix(count))
            gathering.waiting.removeFirst(count)
            return batch
        }
    }

    private func stopLeading() -> Bool {
        gathering.withLock { gathering in
            guard gathering.waiting.isEmpty else { return false }
            gathering.isLed = false
            return true
        }
    }
}
