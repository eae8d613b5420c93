import CLinux
import EventLoop
import Glibc
import Synchronization

/// `sterna-mount` in a session of its own, started by somebody who waits until it serves and goes.
struct BackgroundDaemon {
    enum Outcome {
        case ready
        /// It said why in its log.
        case ended
        /// Somebody wants the caller to end, and so the daemon.
        case interrupted
    }

    private let pid: pid_t
    private let readiness: Int32
    /// For the signal handler; 0: none.
    private static let running = Atomic<pid_t>(0)
    private static let wasInterrupted = Atomic<Bool>(false)

    init(_ arguments: [String], log: DaemonLog) throws(SystemError) {
        var ends: [Int32] = [-1, -1]
        let code = linux_pipe(&ends)
        guard code == 0 else { throw SystemError("make a pipe", code: code) }
        let started = Result { () throws(SystemError) in try Self.start(arguments, log, readiness: ends[1]) }
        // With only the daemon's copy left the end of what comes is its end.
        close(ends[1])
        pid = try started.get()
        readiness = ends[0]
        _ = fcntl(readiness, F_SETFL, 0)
        Self.running.store(pid, ordering: .releasing)
        for number in [SIGINT, SIGTERM, SIGHUP] {
            signal(number) { _ in
                BackgroundDaemon.wasInterrupted.store(true, ordering: .releasing)
                kill(BackgroundDaemon.running.load(ordering: .acquiring), SIGTERM)
            }
        }
    }

    private static func start(
        _ arguments: [String], _ log: DaemonLog, readiness: Int32
    ) throws(SystemError) -> pid_t {
        let quiet = log.isBorrowed ? ["--quiet-once-ready"] : []
        let all = ["sterna-mount", "--ready-fd", "3"] + quiet + arguments
        var words: [UnsafeMutablePointer<CChar>?] = all.map { strdup($0) } + [nil]
        defer { for word in words { free(word) } }
        let pid = linux_start_in_background("/proc/self/exe", &words, log.descriptor, readiness)
        guard pid > 0 else { throw SystemError("start sterna-mount", code: pid) }
        return pid
    }

    /// Returns when it serves, or has ended.
    func awaitReady() -> Outcome {
        var byte: UInt8 = 0
        while true {
            let count = read(readiness, &byte, 1)
            // Whole lines come at once.
            if count == 1 { return Self.wasInterrupted.load(ordering: .acquiring) ? .interrupted : .ready }
            if count < 0, errno == EINTR { continue }
            break
        }
        var status: Int32 = 0
        while waitpid(pid, &status, 0) < 0, errno == EINTR {}
        return Self.wasInterrupted.load(ordering: .acquiring) ? .interrupted : .ended
    }
}
