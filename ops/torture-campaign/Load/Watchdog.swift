import Foundation
import Synchronization

/// Seconds of a clock that never goes back.
func monotonicSeconds() -> Double {
    var now = timespec()
    clock_gettime(CLOCK_MONOTONIC, &now)
    return Double(now.tv_sec) + Double(now.tv_nsec) / 1e9
}

/// Knows since when each worker has been waiting for what, so that a call that never returns is found.
final class Watchdog: Sendable {
    struct Wait: Sendable {
        let what: String
        let since: Double
    }

    /// Added to the number of a worker with names.
    static let names = 1_000_000

    private let waits = Mutex<[Int: Wait]>([:])

    /// Notes that worker `worker` is inside `what` while `body` runs.
    func watching<R>(_ worker: Int, _ what: String, _ body: () throws -> R) rethrows -> R {
        waits.withLock { $0[worker] = Wait(what: what, since: monotonicSeconds()) }
        defer { waits.withLock { $0[worker] = nil } }
        return try body()
    }

    /// What has been waited for longer than `seconds`.
    func overdue(seconds: Double) -> [Wait] {
        let limit = monotonicSeconds() - seconds
        return waits.withLock { waits in waits.values.filter { $0.since < limit } }
    }
}
