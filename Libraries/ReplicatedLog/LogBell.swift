import Glibc

/// What the writer's thread sleeps on: a ring ends the sleep, or the next one when nobody sleeps.
///
/// (A semaphore would be less, but none can wait by the monotonic clock in Swift's Glibc.)
///
/// `@unchecked Sendable`: the pointers never change, and `hasRung` is only touched with `mutex` held.
final class LogBell: @unchecked Sendable {
    private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    private let condition = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
    private var hasRung = false

    init() {
        pthread_mutex_init(mutex, nil)
        var attributes = pthread_condattr_t()
        pthread_condattr_init(&attributes)
        pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC)
        pthread_cond_init(condition, &attributes)
        pthread_condattr_destroy(&attributes)
    }

    deinit {
        pthread_cond_destroy(condition)
        pthread_mutex_destroy(mutex)
        condition.deallocate()
        mutex.deallocate()
    }

    func ring() {
        pthread_mutex_lock(mutex)
        hasRung = true
        pthread_mutex_unlock(mutex)
        pthread_cond_signal(condition)
    }

    func wait() {
        pthread_mutex_lock(mutex)
        while !hasRung { pthread_cond_wait(condition, mutex) }
        hasRung = false
        pthread_mutex_unlock(mutex)
    }

    func wait(atMost nanoseconds: UInt64) {
        var deadline = timespec()
        clock_gettime(CLOCK_MONOTONIC, &deadline)
        let fraction = UInt64(deadline.tv_nsec) + nanoseconds % 1_000_000_000
        deadline.tv_sec += Int(nanoseconds / 1_000_000_000 + fraction / 1_000_000_000)
        deadline.tv_nsec = Int(fraction % 1_000_000_000)
        pthread_mutex_lock(mutex)
        while !hasRung, pthread_cond_timedwait(condition, mutex, &deadline) != ETIMEDOUT {}
        hasRung = false
        pthread_mutex_unlock(mutex)
    }
}
