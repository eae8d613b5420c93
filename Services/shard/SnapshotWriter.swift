import EventLoop
import Glibc
import ReplicatedLog
import Store

/// Checkpoints of all shards of the process, for backups: `DATA/snapshot-ID` is a data directory of its own, as of one
/// moment.
///
/// The shards share their stores, so one checkpoint serves them all; the first shard asked makes it, the others find it
/// there.
final class SnapshotWriter: Sendable {
    private let dataDirectory: String
    private let state: RocksStore
    /// One thread: checkpoints come one after the other.
    private let queue = WorkQueue(name: "snapshot", threads: 1)

    init(dataDirectory: String, state: RocksStore) {
        self.dataDirectory = dataDirectory
        self.state = state
    }

    /// Makes the checkpoint in the background; `then` says on `loop` whether it is there.
    func take(_ id: UInt64, on loop: EventLoop, then: @escaping (Bool) -> Void) {
        queue.run(on: loop) { [self] in
            try write(to: "\(dataDirectory)/snapshot-\(id)")
        } then: { result in
            if case .success = result { then(true) } else { then(false) }
        }
    }

    private func write(to path: String) throws {
        var status = stat()
        if stat(path, &status) == 0 {
            guard status.st_mode & S_IFMT == S_IFDIR else { throw SystemError("make snapshot \(path)", code: EEXIST) }
            return
        }
        // What a crash left of an earlier attempt stays out of the way under its own name.
        let unfinished = "\(path).unfinished-\(getpid())-\(monotonicSeconds())"
        guard mkdir(unfinished, 0o700) == 0 else { throw SystemError.last("create \(unfinished)") }
        try state.checkpoint(at: unfinished + "/state")
        // The state holds everything applied; its log begins empty.
        try SegmentedLogStore(directory: unfinished + "/log").close()
        guard rename(unfinished, path) == 0 else { throw SystemError.last("rename \(unfinished)") }
    }

    private func monotonicSeconds() -> Int {
        var now = timespec()
        clock_gettime(CLOCK_MONOTONIC, &now)
        return now.tv_sec
    }
}
