import EventLoop
import Glibc

/// A running `sterna-registry` of the build that the tests belong to; it dies with the object.
final class RegistryProcess {
    let address: SocketAddress
    private let identifier: pid_t
    private var isReaped = false

    /// Starts it and waits until it is ready.
    init(data: String, address: SocketAddress = .loopback(port: 0), _ options: [String] = []) throws {
        var ends: [Int32] = [0, 0]
        guard pipe(&ends) == 0 else { throw TestFailure("no pipe") }
        defer { close(ends[0]) }
        _ = fcntl(ends[0], F_SETFD, FD_CLOEXEC)
        let words =
            [
                "sterna-registry", "--data", data, "--address", "\(address)", "--ready-fd", "\(ends[1])", "--log-file",
                data + ".log",
            ] + (options.contains("--key-file") ? [] : ["--well-known-key"]) + options
        var arguments = words.map { strdup($0) } + [nil]
        defer { for argument in arguments { free(argument) } }
        var started = pid_t()
        let code = posix_spawn(&started, try Self.program(), nil, nil, &arguments, environ)
        close(ends[1])
        guard code == 0 else { throw TestFailure("cannot start sterna-registry: \(code)") }
        guard let line = Self.readyLine(ends[0]), let announced = Self.address(in: line) else {
            Glibc.kill(started, SIGKILL)
            waitpid(started, nil, 0)
            throw TestFailure("sterna-registry did not become ready")
        }
        identifier = started
        self.address = announced
    }

    deinit {
        if !isReaped { end(SIGKILL) }
    }

    /// Sends the signal and waits for the end; returns the wait status.
    @discardableResult
    func end(_ signal: Int32) -> Int32 {
        var status: Int32 = 0
        Glibc.kill(identifier, signal)
        waitpid(identifier, &status, 0)
        isReaped = true
        return status
    }

    /// `ready 127.0.0.1:1234`
    private static func address(in line: String) -> SocketAddress? {
        line.split(whereSeparator: \.isWhitespace).dropFirst().first.flatMap { SocketAddress(parsing: String($0)) }
    }

    private static func readyLine(_ descriptor: Int32) -> String? {
        var poll = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        guard Glibc.poll(&poll, 1, 30_000) == 1 else { return nil }
        var bytes = [UInt8](repeating: 0, count: 100)
        let count = read(descriptor, &bytes, bytes.count)
        return count > 0 ? String(decoding: bytes[..<count], as: UTF8.self) : nil
    }

    /// Beside the test bundle, wherever the test runner itself lies.
    private static func program() throws -> String {
        var buffer = [UInt8](repeating: 0, count: 4096)
        let count = buffer.withUnsafeMutableBytes { buffer in
            readlink("/proc/self/exe", buffer.bindMemory(to: CChar.self).baseAddress!, buffer.count)
        }
        let runner = String(decoding: buffer[..<max(count, 0)], as: UTF8.self)
        for candidate in [runner] + CommandLine.arguments {
            guard let slash = candidate.lastIndex(of: "/") else { continue }
            let program = candidate[...slash] + "sterna-registry"
            if access(String(program), X_OK) == 0 { return String(program) }
        }
        throw TestFailure("sterna-registry is not beside \(runner)")
    }
}

struct TestFailure: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }
}
