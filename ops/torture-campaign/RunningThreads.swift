import EventLoop
import Synchronization

/// Threads that somebody waits for, but not for ever.
final class RunningThreads: Sendable {
    private let count = Mutex(0)

    func start(_ name: String, _ body: @escaping @Sendable () -> Void) throws {
        count.withLock { $0 += 1 }
        let thread = try SystemThread(name: name) { [self] in
            body()
            count.withLock { $0 -= 1 }
        }
        thread.detach()
    }

    /// Whether all of them ended in time.
    func wait(seconds: Double) -> Bool {
        waitUntil(seconds: seconds) { count.withLock { $0 == 0 } }
    }
}
