import EventLoop
import Logging
import Synchronization

/// Checkpoints of all groups of the process, for backups: `DIR/snapshot-ID` is a data directory of its own, as of one
/// moment.
///
/// The groups share their stores, so one checkpoint serves them all; the first one asked makes it, the others find it
/// there.
package final class SnapshotWriter: Sendable {
    private let directory: ReplicaDirectory
    private let logger: Logger
    /// The snapshot asked for, once for each group that waits for it.
    private let underWay = Mutex<[UInt64]>([])
    /// One thread: checkpoints come one after the other.
    private let queue = WorkQueue(name: "snapshot", threads: 1)

    package init(_ directory: ReplicaDirectory, logger: Logger) {
        self.directory = directory
        self.logger = logger
    }

    /// Makes the checkpoint in the background; `then` says on `loop` whether it is there. One at a time, which all
    /// groups may ask for: what waits here could not be refused any more.
    package func take(_ id: UInt64, on loop: EventLoop, then: @escaping (Bool) -> Void) {
        let isNext = underWay.withLock { underWay in
            guard underWay.isEmpty || underWay.last == id else { return false }
            underWay.append(id)
            return true
        }
        guard isNext else { return then(false) }
        queue.run(on: loop) { [self] in
            defer { underWay.withLock { _ = $0.popLast() } }
            try directory.makeSnapshot(id)
        } then: { [logger] result in
            if case .failure(let error) = result { logger.error("snapshot \(id): \(error)") }
            if case .success = result { then(true) } else { then(false) }
        }
    }
}
