import EventLoop
import Synchronization

/// Tells the kernel one thing after the other. Thread-safe.
final class NotificationThread: Sendable {
    private let queue: WorkQueue
    private let isStopped = Atomic(false)
    private let cache = Monitor<(any KernelCache)?>(nil)

    init(name: String) {
        queue = WorkQueue(name: name, threads: 1)
    }

    func attach(_ cache: some KernelCache) {
        self.cache.withLock { $0 = cache }
    }

    /// Begins nothing any more.
    func stop() {
        isStopped.store(true, ordering: .releasing)
    }

    /// Waits for what is under way; after this the cache is not used any more.
    func join() {
        cache.withLock { $0 = nil }
    }

    func tell(_ what: @escaping @Sendable (any KernelCache) -> Void) {
        queue.run { [self] in
            cache.withLock { cache in
                if let cache, !self.isStopped.load(ordering: .acquiring) { what(cache) }
            }
        }
    }

    /// Returns once everything was told that was to be told before.
    func reached() async {
        await withUnsafeContinuation { continuation in queue.run { continuation.resume() } }
    }
}
