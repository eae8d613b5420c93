import CLinux
import Glibc
import Synchronization

/// A log's writer on a thread of the operating system.
public final class SystemWriterThread: WriterThread {
    private final class Start: Sendable {
        let body: @Sendable () -> Void

        init(_ body: @escaping @Sendable () -> Void) {
            self.body = body
        }
    }

    private let identifier = Mutex<pthread_t?>(nil)
    private let bell = LogBell()

    public init() {}

    public func start(_ piece: @escaping @Sendable () -> WriterRest) throws(LogError) {
        var started = pthread_t()
        let start = Unmanaged.passRetained(Start { [bell] in Self.run(piece, bell) })
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

    private static func run(_ piece: @Sendable () -> WriterRest, _ bell: LogBell) {
        while true {
            switch piece() {
            case .notAtAll: break
            case .untilWoken: bell.wait()
            case .atMost(let nanoseconds): bell.wait(atMost: nanoseconds)
            case .forGood: return
            }
        }
    }

    public func wake() { bell.ring() }

    public func join() {
        let started = identifier.withLock { identifier in
            defer { identifier = nil }
            return identifier
        }
        if let started { pthread_join(started, nil) }
    }
}
