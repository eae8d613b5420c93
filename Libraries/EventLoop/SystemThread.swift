import CLinux
import Glibc

/// A thread of the operating system. Thread-safe. Either `join()` or `detach()` it, once.
public final class SystemThread: Sendable {
    private let identifier: pthread_t

    /// Starts a thread named `name` (at most 15 bytes show in `ps -L`).
    public init(name: String, _ body: @escaping @Sendable () -> Void) throws(SystemError) {
        var identifier = pthread_t()
        let start = Unmanaged.passRetained(ThreadStart(name: name, body))
        let code = pthread_create(&identifier, nil, ThreadStart.entry, start.toOpaque())
        guard code == 0 else {
            start.release()
            throw SystemError("start thread \(name)", code: code)
        }
        self.identifier = identifier
    }

    /// Waits until the thread's body has returned.
    public func join() {
        pthread_join(identifier, nil)
    }

    /// Nobody will wait for this thread.
    public func detach() {
        pthread_detach(identifier)
    }
}

private final class ThreadStart: Sendable {
    private let name: String
    private let body: @Sendable () -> Void

    init(name: String, _ body: @escaping @Sendable () -> Void) {
        self.name = name
        self.body = body
    }

    static let entry: @convention(c) (UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? = { raw in
        guard let raw else { return nil }
        let start = Unmanaged<ThreadStart>.fromOpaque(raw).takeRetainedValue()
        linux_set_thread_name(start.name)
        start.body()
        return nil
    }
}

extension EventLoop {
    /// Makes a loop and runs it on a new thread until `stop()`, after which the thread closes it. `setUp` runs on that
    /// thread before anything else: the place to make sockets.
    public static func startThread(
        name: String, setUp: @escaping @Sendable (EventLoop) -> Void
    ) throws(SystemError) -> (loop: EventLoop, thread: SystemThread) {
        let loop = try EventLoop()
        loop.submit { setUp(loop) }
        return (loop, try loop.runOnThread(name: name))
    }

    /// Runs a loop that the calling thread has made on a new thread until `stop()`, after which that thread closes it.
    /// What was made with the loop belongs to that thread as well.
    public func runOnThread(name: String) throws(SystemError) -> SystemThread {
        disown()
        return try SystemThread(name: name) { [self] in
            run()
            close()
        }
    }
}
