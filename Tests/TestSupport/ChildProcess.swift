import Glibc

/// A process that never outlives this object.
package final class ChildProcess {
    package let identifier: pid_t
    /// As waitpid reports it; nil while it runs.
    private var status: Int32?
    /// A deadline for hangs.
    private static let patienceSeconds = 60.0

    /// Starts a program of this package.
    package init(_ program: String, _ arguments: [String]) throws {
        let path = try builtProgram(program)
        var words: [UnsafeMutablePointer<CChar>?] = ([path] + arguments).map { strdup($0) } + [nil]
        defer { for word in words { free(word) } }
        var started: pid_t = 0
        let code = posix_spawn(&started, path, nil, nil, &words, environ)
        guard code == 0 else { throw POSIXFailure("start \(path)", code: code) }
        identifier = started
    }

    /// Starts a service and waits until it is ready.
    /// - Returns: the process, and what it says then: `ready`, and where it listens.
    package static func serving(_ program: String, _ arguments: [String]) throws -> (ChildProcess, ready: String) {
        var ends: [Int32] = [0, 0]
        guard pipe(&ends) == 0 else { throw POSIXFailure("make a pipe") }
        defer { close(ends[0]) }
        _ = fcntl(ends[0], F_SETFD, FD_CLOEXEC)
        let made = Result { try ChildProcess(program, arguments + ["--ready-fd", "\(ends[1])"]) }
        close(ends[1])
        let process = try made.get()
        var poll = pollfd(fd: ends[0], events: Int16(POLLIN), revents: 0)
        var line = [UInt8](repeating: 0, count: 100)
        guard Glibc.poll(&poll, 1, Int32(patienceSeconds * 1000)) == 1 else {
            throw TestFailure("\(program) says nothing")
        }
        let count = read(ends[0], &line, line.count)
        guard count > 0 else { throw TestFailure("\(program) did not become ready") }
        return (process, String(decoding: line[..<count], as: UTF8.self))
    }

    deinit { end(SIGKILL) }

    package var isRunning: Bool {
        guard status == nil else { return false }
        var result: Int32 = 0
        guard waitpid(identifier, &result, WNOHANG) == identifier else { return true }
        status = result
        return false
    }

    /// Sends a signal, unless it has ended, and waits for the end.
    /// - Returns: its exit status, or 128 and the signal that ended it: SIGKILL when it did not end by itself.
    @discardableResult
    package func end(_ signal: Int32) -> Int32 {
        if isRunning { kill(identifier, signal) }
        if let code = waitForEnd() { return code }
        kill(identifier, SIGKILL)
        return waitForEnd() ?? 128 + SIGKILL
    }

    /// Waits for its end; its exit status, or 128 and the signal.
    package func wait() throws -> Int32 {
        if let code = waitForEnd() { return code }
        throw TestFailure("process \(identifier) does not end")
    }

    private func waitForEnd() -> Int32? {
        _ = happens(within: Self.patienceSeconds) { !isRunning }
        return status.map { $0 & 0x7f == 0 ? ($0 >> 8) & 0xff : 128 + ($0 & 0x7f) }
    }
}
