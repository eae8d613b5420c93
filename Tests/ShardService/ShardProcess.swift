import EventLoop
import Glibc
import Protocol

/// A running `sterna-shard` of the build that the tests belong to.
final class ShardProcess {
    let identifier: pid_t
    private var isReaped = false

    /// Starts it and waits until it is ready.
    /// - Parameter log: what it says; nil: beside its data.
    init(
        shards: String, data: String, registry: SocketAddress, log: String? = nil, _ arguments: [String] = []
    ) throws {
        var ready: [Int32] = [0, 0]
        guard pipe(&ready) == 0 else { throw TestFailure("no pipe") }
        defer { close(ready[0]) }
        _ = fcntl(ready[0], F_SETFD, FD_CLOEXEC)
        let all =
            [
                "sterna-shard", "--shards", shards, "--data", data, "--registry", "\(registry)", "--ready-fd",
                "\(ready[1])",
                "--log-file", log ?? data + ".log",
            ] + (arguments.contains("--key-file") ? [] : ["--well-known-key"]) + arguments
        var words = all.map { strdup($0) } + [nil]
        defer { for word in words { free(word) } }
        var started = pid_t()
        let code = posix_spawn(&started, try Self.binary(), nil, nil, &words, environ)
        close(ready[1])
        guard code == 0 else { throw TestFailure("cannot start sterna-shard: \(code)") }
        identifier = started
        try waitUntilReady(ready[0])
    }

    deinit {
        if !isReaped { kill(SIGKILL) }
    }

    /// Sends the signal and waits for the end; returns the wait status.
    @discardableResult
    func kill(_ signal: Int32) -> Int32 {
        Glibc.kill(identifier, signal)
        var status: Int32 = 0
        waitpid(identifier, &status, 0)
        isReaped = true
        return status
    }

    private func waitUntilReady(_ descriptor: Int32) throws {
        var poll = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        var line = [UInt8](repeating: 0, count: 100)
        guard Glibc.poll(&poll, 1, 30_000) == 1, read(descriptor, &line, line.count) > 0 else {
            kill(SIGKILL)
            throw TestFailure("sterna-shard did not become ready")
        }
    }

    /// Beside the test bundle.
    private static func binary() throws -> String {
        var buffer = [CChar](repeating: 0, count: 4096)
        let count = readlink("/proc/self/exe", &buffer, buffer.count)
        guard count > 0 else { throw TestFailure("where am I?") }
        let path = String(decoding: buffer[..<count].map(UInt8.init(bitPattern:)), as: UTF8.self)
        for candidate in [path] + CommandLine.arguments {
            guard let slash = candidate.lastIndex(of: "/") else { continue }
            let binary = candidate[..<slash] + "/sterna-shard"
            if access(String(binary), X_OK) == 0 { return String(binary) }
        }
        throw TestFailure("sterna-shard is not beside \(path)")
    }
}
