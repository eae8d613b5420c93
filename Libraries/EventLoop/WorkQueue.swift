import Glibc

/// Threads for what blocks or takes long: disk I/O, encoding. Work starts in the order it came. Thread-safe.
///
/// Threads start with the first work and sleep when there is none.
public final class WorkQueue: Sendable {
    private struct State {
        /// Nil where it was taken: whatever it holds goes with its last user, and not under the lock.
        var waiting: [(@Sendable () -> Void)?] = []
        var head = 0
        var idleThreads = 0
        var threads = 0
        var isClosed = false

        var backlog: Int { waiting.count - head }
    }

    /// A queue for work that has no reason for its own, with one thread per core, at least two.
    public static let shared = WorkQueue(name: "work", threads: max(2, Int(sysconf(Int32(_SC_NPROCESSORS_ONLN)))))

    private let name: String
    private let maximumThreads: Int
    private let state = Monitor(State())

    /// `name` is what `ps -L` shows, at most 15 bytes; `threads` is how many works run at the same time, at least 1.
    public init(name: String, threads: Int) {
        precondition(threads > 0)
        self.name = name
        maximumThreads = threads
    }

    /// Runs `body` on one of the queue's threads.
    public func run(_ body: @escaping @Sendable () -> Void) {
        let startsThread = state.update { state in
            precondition(!state.isClosed, "work for a closed queue")
            state.waiting.append(body)
            guard state.backlog > state.idleThreads, state.threads < maximumThreads else { return false }
            state.threads += 1
            return true
        }
        if startsThread { startThread() }
    }

    /// Runs `body` on one of the queue's threads and then `then` on the loop. Call it on the loop.
    public func run<T>(
        on loop: EventLoop, _ body: @escaping @Sendable () throws -> T,
        then: @escaping (Result<T, any Error>) -> Void
    ) {
        loop.assertOnLoop()
        let box = Transfer(then)
        run {
            let result = Transfer(Result { try body() })
            loop.submit { box.value(result.value) }
        }
    }

    /// Runs `body` on one of the queue's threads; the caller resumes on its own executor.
    public func run<T: Sendable>(_ body: @escaping @Sendable () throws -> T) async throws -> T {
        try await withCheckedThrowingContinuation { continuation in
            run { continuation.resume(with: Result { try body() }) }
        }
    }

    /// Lets the threads end once what waits is done. Nothing may be added afterwards. Does not wait.
    public func close() {
        state.withLock { $0.isClosed = true }
        state.wakeAll()
    }

    private func startThread() {
        do {
            try SystemThread(name: name) { [self] in
                while let work = next() { work() }
            }.detach()
        } catch {
            // The other threads do the work; with none at all the process is beyond help.
            let remaining = state.withLock { state in
                state.threads -= 1
                return state.threads
            }
            precondition(remaining > 0, "no thread can be started: \(error)")
        }
    }

    /// Waits for work; nil when the queue is closed and empty.
    private func next() -> (@Sendable () -> Void)? {
        state.withLock { $0.idleThreads += 1 }
        return state.wait { state -> (@Sendable () -> Void)?? in
            guard state.backlog > 0 else { return state.isClosed ? .some(nil) : nil }
            state.idleThreads -= 1
            let work = state.waiting[state.head]
            state.waiting[state.head] = nil
            state.head += 1
            if state.head == state.waiting.count || state.head > 256 {
                state.waiting.removeFirst(state.head)
                state.head = 0
            }
            return work
        }
    }
}

/// Carries a value to another thread.
///
/// `@unchecked Sendable`: made by one thread, used by exactly one other after it; the hand-over (a lock of the queue or
/// of the loop's inbox) orders the two.
struct Transfer<Value>: @unchecked Sendable {
    let value: Value

    init(_ value: Value) {
        self.value = value
    }
}

extension EventLoop {
    /// Runs `body` on a thread of `WorkQueue.shared` and then `then` on this loop.
    public func work<T>(
        _ body: @escaping @Sendable () throws -> T, then: @escaping (Result<T, any Error>) -> Void
    ) {
        WorkQueue.shared.run(on: self, body, then: then)
    }
}
