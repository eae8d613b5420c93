import BlockStore
import Logging
import Protocol
import Synchronization

/// What is known about how a disk does: its last capacity and its errors. Thread-safe.
final class DiskHealth: Sendable {
    private struct State {
        var capacity: BlockDisk.Capacity?
        var refreshedNanoseconds: UInt64 = 0
    }

    private let state = Mutex(State())
    private let requests = Atomic<UInt64>(0)
    private let errors = Atomic<UInt64>(0)
    private let disk: BlockDisk
    private let logger: Logger

    init(_ disk: BlockDisk, logger: Logger) {
        self.disk = disk
        self.logger = logger
    }

    /// Asks the disk for its capacity; blocks. A disk that fails keeps its last answer, which grows old.
    func refresh(at monotonicNanoseconds: UInt64) {
        do {
            let capacity = try disk.capacity()
            if let damage = disk.damage { return logger.error("\(disk.path): not registered: \(damage)") }
            guard !disk.isFailing() else { return logger.error("\(disk.path): the disk does not answer") }
            state.withLock { $0 = State(capacity: capacity, refreshedNanoseconds: monotonicNanoseconds) }
        } catch {
            logger.error("\(disk.path): \(error)")
        }
    }

    /// The capacity, if the disk answered within the last `age` nanoseconds.
    func capacity(notOlderThan age: UInt64, at monotonicNanoseconds: UInt64) -> BlockDisk.Capacity? {
        state.withLock { state in
            let isFresh = monotonicNanoseconds <= state.refreshedNanoseconds &+ age
            return isFresh ? state.capacity : nil
        }
    }

    /// Repairs what can be repaired, gets a little of the space of erased blocks back, and logs and counts what was
    /// found on the way. True when there is more space to get back. Takes as long as reading all small blocks when
    /// their index is damaged.
    func lookAfterSmallBlocks() -> Bool {
        disk.repairSmallBlocks()
        let hasMore = disk.tidyUp()
        for notice in disk.takeNotices() {
            if notice.isMediumError { errors.wrappingAdd(1, ordering: .relaxed) }
            logger.log(level: notice.isMediumError ? .error : .warning, "\(disk.path): small blocks: \(notice.text)")
        }
        return hasMore
    }

    func countRequest() { requests.wrappingAdd(1, ordering: .relaxed) }

    /// What a failed operation is to be answered with (spec services B.8); counts and logs what is the disk's fault.
    /// May ask the disk, so it runs on the disk's threads.
    func answer(to error: BlockStoreError, doing operation: String, _ block: BlockID) -> ProtocolError {
        switch error {
        case .blockNotFound: return .blockNotFound
        case .outOfBounds: return .blockFetchOutOfBounds
        case .badChecksum: return .badBlockCrc
        default: break
        }
        if error.isMediumError {
            if disk.isHopeless(error) { errors.wrappingAdd(1, ordering: .relaxed) }
            let isDevice = disk.isFailing()
            let extent = isDevice ? "the disk fails" : "the disk as a whole answers"
            logger.error("\(disk.path): \(operation) of block \(block): \(error); \(extent)")
            return isDevice ? .blockIoErrorDevice : .blockIoErrorFile
        }
        if error.isOutOfSpace {
            logger.info("\(disk.path): full")
        } else {
            logger.error("\(disk.path): \(operation) of block \(block): \(error)")
        }
        return .internalError
    }

    /// Requests and medium errors since the last call.
    func takeCounts() -> (requests: UInt64, errors: UInt64) {
        (requests.exchange(0, ordering: .relaxed), errors.exchange(0, ordering: .relaxed))
    }
}
