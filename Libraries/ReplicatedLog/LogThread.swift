import CLinux
import Glibc
import Synchronization

/// The writer's thread.
final class LogThread: Sendable {
    private final class Start: Sendable {
        let body: @Sendable () -> Void

        init(_ body: @escaping @Sendable () -> Void) {
            self.body = body
        }
    }

    private let identifier = Mutex<pthread_t?>(nil)

    func start(_ body: @escaping @Sendable () -> Void) throws(LogError) {
        var started = pthread_t()
        let start = Unmanaged.passRetained(Start(body))
        let code = pthread_create(
            &started, nil,
            { raw in
                guard let raw else { return nil }
                linux_set_thread_name("log-writer")
                Unmanaged<Start>.fromOpaque(raw).takeRetainedValue().body()
                return nil
            }, start.toOpaque())
        guard code == 0 else {
            start.release()
            throw .inputOutput("start the log's writer: \(String(cString: strerror(code)))")
        }
        identifier.withLock { $0 = started }
    }

    /// Waits for the end of the thread; at once when somebody has already.
    func join() {
        let started = identifier.withLock { identifier in
            defer { identifier = nil }
            return identifier
        }
        if let started { pthread_join(started, nil) }
    }
}
