import EventLoop
import Glibc

/// One service that is kept running: started, awaited, started again when it dies, stopped at the end.
final class SupervisedService {
    enum State: Equatable {
        case stopped
        /// Started, has not said that it is ready.
        case starting(pid_t)
        case ready(pid_t)
        /// Died; waits a moment before the next try.
        case waiting
        case stopping(pid_t)
    }

    /// A second try comes after 0.1 s, the next after twice that, and so on up to 5 s; ten seconds of good service
    /// forget it.
    private static let firstPauseNanoseconds: UInt64 = 100_000_000
    private static let longestPauseNanoseconds: UInt64 = 5_000_000_000
    private static let goodServiceNanoseconds: UInt64 = 10_000_000_000
    /// What a service may take to stop before it is killed.
    private static let stopNanoseconds: UInt64 = 15_000_000_000

    let name: String
    private(set) var state = State.stopped
    private let loop: EventLoop
    private let program: String
    private let paths: ClusterPaths
    private var readyPoll: FileDescriptorPoll?
    private var readyPipe: Int32 = -1
    private var pauseNanoseconds = firstPauseNanoseconds
    private var startedNanoseconds: UInt64 = 0
    private var killTimer: LoopTimer?

    /// It serves; the address it reported.
    var onReady: (String) -> Void = { _ in }
    /// It ended although nobody asked for it: how, and whether it had been ready.
    var onDeath: (_ how: String, _ wasReady: Bool) -> Void = { _, _ in }
    /// It ended as asked.
    var onStopped: () -> Void = {}

    init(_ name: String, loop: EventLoop, programs: String, paths: ClusterPaths) {
        self.name = name
        self.loop = loop
        self.paths = paths
        program = "\(programs)/sterna-\(StartPlan.role(of: name))"
    }

    private var pid: pid_t? {
        switch state {
        case .starting(let pid), .ready(let pid), .stopping(let pid): pid
        case .stopped, .waiting: nil
        }
    }

    func start(_ arguments: [String]) throws {
        let bond = ["--ready-fd", "\(ChildProcess.readyDescriptor)", "--parent-pid", "\(getpid())"]
        let child = try ChildProcess.start(program, arguments + bond, log: paths.log(of: name))
        state = .starting(child.pid)
        startedNanoseconds = loop.monotonicNanoseconds
        readyPipe = child.readyPipe
        readyPoll = try FileDescriptorPoll(on: loop, descriptor: readyPipe) { [unowned self] _ in readReadyLine() }
        readyPoll?.watch(.readable)
    }

    /// Asks it to end; `onStopped` follows, at once when it does not run.
    func stop() {
        guard let pid else {
            state = .stopped
            onStopped()
            return
        }
        state = .stopping(pid)
        kill(pid, SIGTERM)
        killTimer = loop.timer(afterNanoseconds: Self.stopNanoseconds) { [unowned self] in
            if state == .stopping(pid) { kill(pid, SIGKILL) }
        }
    }

    /// Collects the exit status when it has ended; called at every SIGCHLD.
    func reap() {
        guard let pid else { return }
        var status: Int32 = 0
        guard waitpid(pid, &status, WNOHANG) == pid else { return }
        closeReadyPipe()
        unlink(paths.pidFile(of: name))
        killTimer?.cancel()
        let before = state
        state = .stopped
        switch before {
        case .stopping: onStopped()
        case .ready: onDeath(describeExit(status: status), true)
        default: onDeath(describeExit(status: status), false)
        }
    }

    /// Starts again after a pause that grows with every quick death.
    func startAfterPause(_ arguments: [String], _ failed: @escaping (any Error) -> Void) {
        if loop.monotonicNanoseconds - startedNanoseconds > Self.goodServiceNanoseconds {
            pauseNanoseconds = Self.firstPauseNanoseconds
        }
        state = .waiting
        loop.timer(afterNanoseconds: pauseNanoseconds) { [self] in
            guard state == .waiting else { return }
            do { try start(arguments) } catch { failed(error) }
        }
        pauseNanoseconds = min(2 * pauseNanoseconds, Self.longestPauseNanoseconds)
    }

    /// The child writes one line `ready ADDRESS` and closes the pipe; an end without it means that it is dying.
    private func readReadyLine() {
        var bytes = [UInt8](repeating: 0, count: 256)
        let count = read(readyPipe, &bytes, bytes.count)
        if count < 0 && (errno == EAGAIN || errno == EINTR) { return }
        closeReadyPipe()
        guard count > 0, case .starting(let pid) = state else { return }
        let words = String(decoding: bytes[..<count], as: UTF8.self).split(whereSeparator: \.isWhitespace)
        guard words.first == "ready" else { return }
        state = .ready(pid)
        do { try replaceTextFile(paths.pidFile(of: name), with: "\(pid)\n") } catch { warn("\(error)") }
        onReady(words.count > 1 ? String(words[1]) : "")
    }

    private func closeReadyPipe() {
        guard readyPipe >= 0 else { return }
        readyPoll?.close()
        readyPoll = nil
        close(readyPipe)
        readyPipe = -1
    }
}

/// A line for the person at the terminal.
func warn(_ text: String) {
    let line = "sterna: \(text)\n"
    _ = line.withCString { write(2, $0, strlen($0)) }
}
