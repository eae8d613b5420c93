import Daemon
import EventLoop
import Logging
import ReplicatedLog
import Store
import Synchronization

/// Checkpoints of all shards of the process, for backups: `DATA/snapshot-ID` is a data directory of its own, as of one
/// moment.
///
/// The shards share their stores, so one checkpoint serves them all; the first shard asked makes it, the others find it
/// there.
final class SnapshotWriter: Sendable {
    private let data: DataDirectory
    private let state: RocksStore
    private let logger: Logger
    /// The snapshot asked for, once for each shard that waits for it.
    private let underWay = Mutex<[UInt64]>([])
    /// One thread: checkpoints come one after the other.
    private let queue = WorkQueue(name: "snapshot", threads: 1)

    init(_ data: DataDirectory, state: RocksStore, logger: Logger) {
        self.data = data
        self.state = state
        self.logger = logger
    }

    /// Makes the checkpoint in the background; `then` says on `loop` whether it is there. One at a time, which all
    /// shards may ask for: what waits here could not be refused any more.
    func take(_ id: UInt64, on loop: EventLoop, then: @escaping (Bool) -> Void) {
        let isNext = underWay.withLock { underWay in
            guard underWay.isEmpty || underWay.last == id else { return false }
            underWay.append(id)
            return true
        }
        guard isNext else { return then(false) }
        queue.run(on: loop) { [self] in
            defer { underWay.withLock { _ = $0.popLast() } }
            try write(id)
        } then: { [logger] result in
            if case .failure(let error) = result { logger.error("snapshot \(id): \(error)") }
            if case .success = result { then(true) } else { then(false) }
        }
    }

    private func write(_ id: UInt64) throws {
        try data.makeSnapshot(id) { directory in
            try state.checkpoint(at: directory + "/state")
            // The state holds everything applied; its log begins empty.
            try SegmentedLogStore(directory: directory + "/log").close()
        }
    }
}
