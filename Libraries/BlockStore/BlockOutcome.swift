import Glibc
import Synchronization

/// Waiting for a completion.
final class BlockOutcome: Sendable {
    private let result = Mutex<Result<Void, BlockStoreError>?>(nil)
    // A semaphore is made for several threads; it is destroyed only when both sides have let go of this object.
    private nonisolated(unsafe) let semaphore: UnsafeMutablePointer<sem_t>

    private init() {
        semaphore = .allocate(capacity: 1)
        sem_init(semaphore, 0, 0)
    }

    deinit {
        sem_destroy(semaphore)
        semaphore.deallocate()
    }

    /// Runs `operation` and waits until it calls back.
    static func wait(_ operation: (@escaping BlockCompletion) -> Void) throws(BlockStoreError) {
        let outcome = BlockOutcome()
        operation { result in
            outcome.result.withLock { $0 = result }
            sem_post(outcome.semaphore)
        }
        while true {
            while sem_wait(outcome.semaphore) != 0 {}  // EINTR
            if let result = outcome.result.withLock({ $0 }) { return try result.get() }
        }
    }
}
