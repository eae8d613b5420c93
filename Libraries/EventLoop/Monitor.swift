import Glibc

/// State shared by threads that wait for one another: a mutex and a condition. Thread-safe.
///
/// `@unchecked Sendable`: `state` is only touched with `mutex` held.
public final class Monitor<State>: @unchecked Sendable {
    private var state: State
    private let mutex: UnsafeMutablePointer<pthread_mutex_t>
    private let condition: UnsafeMutablePointer<pthread_cond_t>

    public init(_ state: sending State) {
        self.state = state
        mutex = .allocate(capacity: 1)
        condition = .allocate(capacity: 1)
        pthread_mutex_init(mutex, nil)
        pthread_cond_init(condition, nil)
    }

    deinit {
        pthread_cond_destroy(condition)
        pthread_mutex_destroy(mutex)
        condition.deallocate()
        mutex.deallocate()
    }

    /// Runs `body` alone. Wakes nobody.
    public func withLock<R>(_ body: (inout State) throws -> R) rethrows -> R {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        return try body(&state)
    }

    /// Runs `body` alone, and then wakes one waiting thread.
    public func update<R>(_ body: (inout State) throws -> R) rethrows -> R {
        defer { pthread_cond_signal(condition) }
        return try withLock(body)
    }

    /// Wakes every waiting thread.
    public func wakeAll() {
        pthread_cond_broadcast(condition)
    }

    /// Blocks until `attempt`, which runs alone, gives a value; it is tried again after each wake-up.
    public func wait<R>(until attempt: (inout State) -> R?) -> R {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        while true {
            if let result = attempt(&state) { return result }
            pthread_cond_wait(condition, mutex)
        }
    }
}
