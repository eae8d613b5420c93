/// Runs the tasks of all loops of a simulation one after the other, in the order in which they became ready, on the
/// thread that drives it.
///
/// `@unchecked Sendable`: only the simulation's thread touches it. Tasks get here from each other and from events,
/// which all run on that thread; nothing in a simulation waits for anything outside of it.
final class VirtualExecutor: @unchecked Sendable {
    private enum Work {
        /// Of a task or an actor on a loop.
        case job(UnownedJob, VirtualLoop)
        case closure(@Sendable () -> Void)
    }

    private var ready: [Work] = []
    private var next = 0

    func enqueue(_ job: consuming ExecutorJob, on loop: VirtualLoop) { ready.append(.job(UnownedJob(job), loop)) }

    func enqueue(_ body: @escaping @Sendable () -> Void) { ready.append(.closure(body)) }

    /// Runs everything that is ready, and what becomes ready by it.
    func drain() {
        while next < ready.count {
            let work = ready[next]
            next += 1
            switch work {
            case .job(let job, let loop):
                job.runSynchronously(
                    isolatedTo: loop.asUnownedSerialExecutor(), taskExecutor: loop.asUnownedTaskExecutor())
            case .closure(let body): body()
            }
        }
        ready.removeAll(keepingCapacity: true)
        next = 0
    }
}
