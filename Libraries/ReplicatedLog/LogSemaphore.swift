import Glibc

/// A counting semaphore: what the writer thread sleeps on.
///
/// `@unchecked Sendable`: the pointer never changes, and `sem_*` are made for use from any thread.
final class LogSemaphore: @unchecked Sendable {
    private let raw = UnsafeMutablePointer<sem_t>.allocate(capacity: 1)

    init() {
        let result = sem_init(raw, 0, 0)
        precondition(result == 0, "sem_init with valid arguments")
    }

    deinit {
        sem_destroy(raw)
        raw.deallocate()
    }

    func signal() {
        sem_post(raw)
    }

    func wait() {
        while sem_wait(raw) != 0 && errno == EINTR {}
    }
}
