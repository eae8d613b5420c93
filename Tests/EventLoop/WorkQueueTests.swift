import EventLoop
import Testing

@Suite(.timeLimit(.minutes(1))) struct WorkQueueTests {
    /// Queues more work when it goes.
    private final class Owner: Sendable {
        let queue: WorkQueue
        let resume: @Sendable () -> Void

        init(_ queue: WorkQueue, _ resume: @escaping @Sendable () -> Void) {
            self.queue = queue
            self.resume = resume
        }

        deinit { queue.run(resume) }
    }

    @Test func whatWorkHoldsMayQueueWorkWhenItGoes() async {
        let queue = WorkQueue(name: "test", threads: 1)
        await withCheckedContinuation { continuation in
            let owner = Owner(queue) { continuation.resume() }
            queue.run { withExtendedLifetime(owner) {} }
        }
        queue.close()
    }
}
