import CUV
import Glibc
import Synchronization

/// A libuv loop on one thread, and a Swift executor on it.
///
/// Thread-safe: `submit`, `stop`, `isOnLoop`, running tasks and actors on it. Everything else, and every object made
/// with the loop, belongs to the thread that calls `run()`, or before `run()` to the thread that made the loop.
///
/// `@unchecked Sendable`: `inbox` and `owner` are synchronised; all other state is only touched on the owning thread,
/// which the functions that touch it assert.
public final class EventLoop: @unchecked Sendable {
    /// What other threads leave for the loop.
    private struct Inbox {
        var works: [LoopWork] = []
        var isWakePending = false
        var isClosed = false
    }

    let raw: UnsafeMutablePointer<uv_loop_t>
    private let wake: UnsafeMutablePointer<uv_async_t>
    private let idle: UnsafeMutablePointer<uv_idle_t>
    private let inbox = Mutex(Inbox())
    private let owner: Atomic<UInt>

    private var localWorks: [LoopWork] = []
    private var turnEnds: [any TurnEnding] = []
    private var isDraining = false
    private var isIdleRunning = false
    private var isStopRequested = false

    lazy var datagramBatch = DatagramBatch()
    /// Where streams are read into; what is in it is valid until the callback that was given a part of it returns.
    private(set) lazy var streamScratch = RawMemory(byteCount: 256 << 10)

    /// Makes a loop owned by the calling thread until another one calls `run()`. It lives until `close()`.
    public init() throws(SystemError) {
        // A peer that hangs up is an error result of the write, never a signal.
        signal(SIGPIPE, SIG_IGN)
        raw = .allocate(capacity: 1)
        wake = .allocate(capacity: 1)
        idle = .allocate(capacity: 1)
        owner = Atomic(UInt(pthread_self()))
        let status = uv_loop_init(raw)
        guard status == 0 else { throw SystemError("create an event loop", code: status) }
        try startPhases()
    }

    // MARK: Running

    /// Runs callbacks, tasks and actors on the calling thread until `stop()`.
    public func run() {
        owner.store(UInt(pthread_self()), ordering: .releasing)
        while !isStopRequested { _ = uv_run(raw, UV_RUN_DEFAULT) }
        isStopRequested = false
    }

    /// Makes `run()` return after the present turn. Thread-safe.
    public func stop() {
        submit { [unowned self] in
            self.isStopRequested = true
            uv_stop(self.raw)
        }
    }

    /// Closes every handle of the loop and frees it. Call it after `run()` has returned, on the same thread.
    /// Tasks that are still suspended on the loop never resume.
    public func close() {
        assertOnLoop()
        inbox.withLock { $0.isClosed = true }
        uv_walk(raw, { handle, _ in if let handle { closeLoopHandle(handle) } }, nil)
        while uv_run(raw, UV_RUN_NOWAIT) != 0 {}
        let status = uv_loop_close(raw)
        precondition(status == 0, "a handle survived the loop")
        raw.deallocate()
    }

    // MARK: Entering

    /// Runs `body` on the loop, soon, in the order of submission. Thread-safe. After `close()` nothing happens.
    public func submit(_ body: @escaping @Sendable () -> Void) {
        add(.closure(body))
    }

    /// Whether the caller is on the thread that owns this loop. Thread-safe.
    public var isOnLoop: Bool {
        owner.load(ordering: .acquiring) == UInt(pthread_self())
    }

    /// Until some thread calls `run()` no thread owns the loop: for a loop that is handed to a new thread.
    func disown() {
        owner.store(0, ordering: .releasing)
    }

    /// Traps, in debug builds, when called on another thread: our own mistake.
    @inline(__always) func assertOnLoop() {
        assert(isOnLoop, "used outside of its event loop")
    }

    func add(_ work: LoopWork) {
        if isOnLoop {
            localWorks.append(work)
            return
        }
        inbox.withLock { inbox in
            guard !inbox.isClosed else { return }
            inbox.works.append(work)
            guard !inbox.isWakePending else { return }
            inbox.isWakePending = true
            // Within the lock, so that close() cannot free the handle in between.
            uv_async_send(wake)
        }
    }

    // MARK: Turns

    /// `object` is asked to send what it gathered, once, after the callbacks and tasks of this turn.
    func atTurnEnd(_ object: any TurnEnding) {
        assertOnLoop()
        turnEnds.append(object)
    }

    private func startPhases() throws(SystemError) {
        let prepare = UnsafeMutablePointer<uv_prepare_t>.allocate(capacity: 1)
        let check = UnsafeMutablePointer<uv_check_t>.allocate(capacity: 1)
        let failures = [
            uv_async_init(raw, wake) { handle in EventLoop.of(handle?.pointee.data)?.takeInbox() },
            uv_idle_init(raw, idle),
            uv_prepare_init(raw, prepare),
            uv_check_init(raw, check),
        ].filter { $0 != 0 }
        if let code = failures.first { throw SystemError("create an event loop", code: code) }
        let phases = [Self.base(wake), Self.base(idle), Self.base(prepare), Self.base(check)]
        // Each handle holds a reference, which closeLoopHandle() releases: a loop lives until close().
        for handle in phases { handle.pointee.data = Unmanaged.passRetained(self).toOpaque() }
        uv_prepare_start(prepare) { handle in EventLoop.of(handle?.pointee.data)?.drain() }
        uv_check_start(check) { handle in EventLoop.of(handle?.pointee.data)?.drain() }
    }

    private static func of(_ data: UnsafeMutableRawPointer?) -> EventLoop? {
        loopHandleOwner(data)
    }

    private static func base<T>(_ handle: UnsafeMutablePointer<T>) -> UnsafeMutablePointer<uv_handle_t> {
        UnsafeMutableRawPointer(handle).assumingMemoryBound(to: uv_handle_t.self)
    }

    private func takeInbox() {
        let taken = inbox.withLock { inbox in
            inbox.isWakePending = false
            let works = inbox.works
            inbox.works = []
            return works
        }
        localWorks.append(contentsOf: taken)
    }

    /// Runs the queued tasks, and those that they queue, then lets sockets send. Bounded, so that I/O is never starved:
    /// what is left keeps the loop from sleeping.
    private func drain() {
        guard !isDraining else { return }
        isDraining = true
        var rounds = 0
        while rounds < 32, !(localWorks.isEmpty && turnEnds.isEmpty) {
            rounds += 1
            var works: [LoopWork] = []
            swap(&works, &localWorks)
            for work in works { run(work) }
            if localWorks.isEmpty { endTurn() }
        }
        if !turnEnds.isEmpty { endTurn() }
        isDraining = false
        keepAwake(!localWorks.isEmpty || !turnEnds.isEmpty)
    }

    private func endTurn() {
        var ends: [any TurnEnding] = []
        swap(&ends, &turnEnds)
        for end in ends { end.turnEnded() }
    }

    private func keepAwake(_ needed: Bool) {
        guard needed != isIdleRunning else { return }
        isIdleRunning = needed
        if needed { uv_idle_start(idle) { _ in } } else { uv_idle_stop(idle) }
    }

    private func run(_ work: LoopWork) {
        switch work {
        case .closure(let body): body()
        case .job(let job):
            job.runSynchronously(isolatedTo: asUnownedSerialExecutor(), taskExecutor: asUnownedTaskExecutor())
        }
    }
}

/// Something to run on the loop.
enum LoopWork {
    case closure(@Sendable () -> Void)
    case job(UnownedJob)
}

/// Something that gathers output during a turn.
protocol TurnEnding: AnyObject {
    func turnEnded()
}
