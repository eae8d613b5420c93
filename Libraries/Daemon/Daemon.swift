import CLinux
import EventLoop
import Glibc
import Logging
import Metrics

/// A running service: its main loop, logger, counters, and the way in and out of its life. Confined to its loop.
public final class Daemon {
    public let name: String
    public let loop: EventLoop
    public let logger: Logger
    public let counters = Counters()

    private let options: DaemonOptions
    private var signals: [SignalWatcher] = []
    private var shutdownSteps: [(@escaping () -> Void) -> Void] = []
    private var isShuttingDown = false
    private var readyDescriptor: Int32?
    private var failure: (any Error)?

    /// How long shutdown steps may take together before the process ends regardless, in nanoseconds.
    package static let shutdownDeadlineNanoseconds: UInt64 = 10_000_000_000

    /// Runs a service on the calling thread until it is shut down. `start` builds it on `daemon.loop`; what it throws
    /// ends the daemon and is thrown on. Throws also what `fail` was given.
    public static func run(_ name: String, _ options: DaemonOptions, start: (Daemon) throws -> Void) throws {
        Process.unblockSignals()
        try Process.tieToParent(options.parentPid)
        Process.raiseDescriptorLimit()
        let daemon = try Daemon(name, options)
        defer { daemon.loop.close() }
        do {
            try daemon.watchSignals()
            try start(daemon)
        } catch {
            daemon.closeSignals()
            daemon.logger.critical("cannot start: \(error)")
            throw error
        }
        daemon.loop.run()
        daemon.closeSignals()
        if let failure = daemon.failure { throw failure }
    }

    private init(_ name: String, _ options: DaemonOptions) throws {
        self.name = name
        self.options = options
        readyDescriptor = options.readyFd
        let descriptor = try Self.openLog(options.logFile)
        let level = options.logLevel
        logger = Logger(label: name) { label in LineLogHandler(label: label, level: level, descriptor: descriptor) }
        loop = try EventLoop()
    }

    private static func openLog(_ path: String?) throws(SystemError) -> Int32 {
        guard let path else { return STDERR_FILENO }
        let descriptor = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { throw .last("open log file \(path)") }
        return descriptor
    }

    // MARK: Life

    /// Tells whoever started us that we answer, at these addresses. Once; later calls do nothing.
    public func ready(_ addresses: [SocketAddress] = []) {
        let text = addresses.map { " \($0)" }.joined()
        logger.info("ready\(text)")
        guard let descriptor = readyDescriptor else { return }
        readyDescriptor = nil
        let line = Array("ready\(text)\n".utf8)
        if Glibc.write(descriptor, line, line.count) != line.count {
            logger.warning("cannot report readiness: \(SystemError.last("write"))")
        }
        close(descriptor)
    }

    /// `step` runs when the service is told to end, the last registered first, and calls its argument when it is done.
    public func onShutdown(_ step: @escaping (@escaping () -> Void) -> Void) {
        shutdownSteps.append(step)
    }

    /// Ends the service in good order. Idempotent.
    public func shutDown(_ reason: String) {
        guard !isShuttingDown else { return }
        isShuttingDown = true
        logger.info("shutting down: \(reason)")
        loop.timer(afterNanoseconds: Self.shutdownDeadlineNanoseconds) { [self] in
            logger.error("shutdown took too long, ending regardless")
            exit(1)
        }
        runShutdownSteps()
    }

    /// Ends the service because it cannot go on; the process exits with an error.
    public func fail(_ error: any Error) {
        logger.critical("\(error)")
        failure = failure ?? error
        shutDown("cannot go on")
    }

    private func runShutdownSteps() {
        guard let step = shutdownSteps.popLast() else {
            logger.info("stopped")
            loop.stop()
            return
        }
        var isDone = false
        step { [self] in
            guard !isDone else { return }
            isDone = true
            runShutdownSteps()
        }
    }

    // MARK: Signals

    private func watchSignals() throws(SystemError) {
        for (number, text) in [(SIGTERM, "SIGTERM"), (SIGINT, "SIGINT")] {
            signals.append(try SignalWatcher(on: loop, signal: number) { [unowned self] in terminate(text) })
        }
        signals.append(try SignalWatcher(on: loop, signal: SIGUSR1) { [unowned self] in logCounters() })
    }

    private func terminate(_ signal: String) {
        if isShuttingDown {
            logger.warning("\(signal) again, ending at once")
            exit(1)
        }
        shutDown(signal)
    }

    private func logCounters() {
        for (name, value) in counters.snapshot() { logger.notice("\(name) \(value)") }
    }

    private func closeSignals() {
        for signal in signals { signal.close() }
        signals = []
    }
}
