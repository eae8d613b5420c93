/// Runs the tasks of a simulation one after the other, in the order in which they became ready, on the thread that
/// drives it.
///
/// `@unchecked Sendable`: only the simulation's thread touches it. Tasks get here from each other and from events,
/// which all run on that thread; nothing in a simulation waits for anything outside of it.
final class VirtualExecutor: TaskExecutor, @unchecked Sendable {
    private var ready: [UnownedJob] = []
    private var next = 0

    func enqueue(_ job: consuming ExecutorJob) { ready.append(UnownedJob(job)) }

    /// Runs everything that is ready, and what becomes ready by it.
    func drain() {
        while next < ready.count {
            let job = ready[next]
            next += 1
            job.runSynchronously(on: asUnownedTaskExecutor())
        }
        ready.removeAll(keepingCapacity: true)
        next = 0
    }
}
