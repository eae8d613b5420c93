import Foundation
import Synchronization

/// Makes a process about a hundred times slower than it was: it runs for a hundredth of the time.
final class SlowProcess: Sendable {
    private let isOver = Atomic<Bool>(false)
    private let pid: pid_t

    init(_ pid: pid_t) {
        self.pid = pid
        Thread.detachNewThread { [self] in
            while !isOver.load(ordering: .relaxed) {
                kill(pid, SIGSTOP)
                usleep(40_000)
                kill(pid, SIGCONT)
                usleep(400)
            }
        }
    }

    /// Lets it run again.
    func end() {
        isOver.store(true, ordering: .relaxed)
        usleep(60_000)
        kill(pid, SIGCONT)
    }
}
