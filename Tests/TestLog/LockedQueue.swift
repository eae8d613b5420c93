import Consensus
import Glibc
import ReplicatedLog
import Synchronization

/// A loop for tests: what other threads submit runs on the one that calls `run(until:)`.
package final class LockedQueue: Sendable {
    private let works = Mutex<[@Sendable () -> Void]>([])

    package init() {}

    package func submit(_ work: @escaping @Sendable () -> Void) {
        works.withLock { $0.append(work) }
    }

    /// For the groups of this loop; its time stands still.
    package var lane: LaneLoop { LaneLoop(now: { .zero }, wall: { 0 }, seed: { 1 }, resume: { [self] in submit($0) }) }

    /// Runs what was submitted until `condition` holds; false when that takes longer than 30 s.
    package func run(until condition: () -> Bool) -> Bool {
        for _ in 0..<30_000 {
            let taken = works.withLock { works in
                defer { works.removeAll() }
                return works
            }
            for work in taken { work() }
            if condition() { return true }
            if taken.isEmpty { usleep(1000) }
        }
        return false
    }
}
