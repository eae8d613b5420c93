/// What a program on one loop has of the world: time, timers, chance, tasks, other threads, connections.
///
/// An `EventLoop` has it from libuv and the kernel; the simulator has virtual time, and a seed. Whatever is written
/// against this runs in both. Everything but `submit`, the clocks and what executors do belongs to the loop's thread.
public protocol Loop: SerialExecutor, TaskExecutor {
    associatedtype Timer: TimerHandle

    /// Time that only moves forward, from an arbitrary origin, nanoseconds.
    var monotonicNanoseconds: UInt64 { get }
    /// As `monotonicNanoseconds`, but goes on while the machine is suspended, as others' clocks do.
    var bootNanoseconds: UInt64 { get }
    /// Nanoseconds since the Unix epoch; may jump when somebody sets the clock.
    func wallClock() -> UInt64
    /// Any number, each as likely as the others.
    func randomNumber() -> UInt64

    /// Runs `body` on the loop, soon, in the order of submission. Thread-safe.
    func submit(_ body: @escaping @Sendable () -> Void)

    /// Calls `body` after at least that time, and then again and again when `repeatingNanoseconds` is not 0.
    @discardableResult
    func timer(afterNanoseconds: UInt64, repeatingNanoseconds: UInt64, _ body: @escaping () -> Void) -> Timer

    /// Runs `body`, which takes long, where it keeps nobody waiting, and then `then` on the loop.
    func work<T>(_ body: @escaping @Sendable () throws -> T, then: @escaping (Result<T, any Error>) -> Void)

    /// Connects to `address`. `completion` comes later, exactly once, on the loop; the connection is paused.
    func connect(
        to address: SocketAddress, _ completion: @escaping (Result<any StreamConnection, SystemError>) -> Void)
}

/// A timer that runs. The loop keeps it alive until it has fired, or, if it repeats, until `cancel()`.
public protocol TimerHandle: AnyObject {
    /// The timer never fires again. Idempotent.
    func cancel()
}

extension Loop {
    /// As above, once.
    @discardableResult
    public func timer(afterNanoseconds: UInt64, _ body: @escaping () -> Void) -> Timer {
        timer(afterNanoseconds: afterNanoseconds, repeatingNanoseconds: 0, body)
    }

    /// Uniform in 0..<1.
    public func randomFraction() -> Double {
        Double(randomNumber() >> 11) * 0x1p-53
    }

    /// Starts a task whose every step runs on this loop (a plain `Task {}` would leave it). Thread-safe.
    @discardableResult
    public func task<Success: Sendable>(
        _ body: @escaping @Sendable () async -> Success
    ) -> Task<Success, Never> {
        Task(executorPreference: self) { await body() }
    }

    /// Starts a task on this loop and calls `then` with its outcome: the way from callbacks into async code and back.
    /// Call it on the loop, on which `then` runs as well.
    public func task<Success: Sendable>(
        _ body: @escaping @Sendable () async throws -> Success,
        then: @escaping (Result<Success, any Error>) -> Void
    ) {
        let box = Transfer(then)
        Task(executorPreference: self) {
            let result: Result<Success, any Error>
            do { result = .success(try await body()) } catch { result = .failure(error) }
            box.value(result)
        }
    }
}
