import Foundation
import Glibc

/// A process that is waited for at most ten seconds and never outlives this object.
final class ChildProcess {
    let identifier: pid_t
    /// As waitpid reports it; nil while it runs.
    private var status: Int32?

    init(_ arguments: [String]) throws {
        var pointers: [UnsafeMutablePointer<CChar>?] = arguments.map { strdup($0) }
        pointers.append(nil)
        defer { for pointer in pointers { free(pointer) } }
        var made: pid_t = 0
        let code = posix_spawn(&made, arguments[0], nil, nil, pointers, environ)
        guard code == 0 else { throw SocketError(description: "start \(arguments[0]): \(code)") }
        identifier = made
    }

    deinit {
        if isRunning { kill() }
    }

    var isRunning: Bool {
        guard status == nil else { return false }
        var result: Int32 = 0
        guard waitpid(identifier, &result, WNOHANG) == identifier else { return true }
        status = result
        return false
    }

    /// How many files and sockets it has open.
    func descriptorCount() throws -> Int {
        try FileManager.default.contentsOfDirectory(atPath: "/proc/\(identifier)/fd").count
    }

    func kill() {
        guard isRunning else { return }
        Glibc.kill(identifier, SIGKILL)
        _ = try? wait()
    }

    /// Sends SIGTERM and waits.
    func terminate() throws -> Int32 {
        Glibc.kill(identifier, SIGTERM)
        return try wait()
    }

    /// Waits for its end; its exit status, or 128 and the signal.
    func wait() throws -> Int32 {
        for _ in 0..<2000 where isRunning { usleep(5000) }
        guard let status else {
            Glibc.kill(identifier, SIGKILL)
            throw SocketError(description: "process \(identifier) does not end")
        }
        return status & 0x7f == 0 ? (status >> 8) & 0xff : 128 + (status & 0x7f)
    }
}
