import Foundation

/// Something that keeps the campaign from running at all.
struct CampaignError: Error, CustomStringConvertible {
    let description: String
}

/// A program in the background, stopped by its process id.
final class ChildProgram: Sendable {
    let name: String
    let pid: pid_t

    /// - Parameter log: what it prints is appended to this file.
    init(_ program: String, _ arguments: [String], log: String) throws {
        name = (program as NSString).lastPathComponent
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_addopen(&actions, 1, log, O_WRONLY | O_CREAT | O_APPEND, 0o644)
        posix_spawn_file_actions_adddup2(&actions, 1, 2)
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        // A Ctrl-C is for the campaign, which stops its programs in order.
        posix_spawnattr_setpgroup(&attributes, 0)
        var noSignals = sigset_t()
        sigemptyset(&noSignals)
        posix_spawnattr_setsigmask(&attributes, &noSignals)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK))
        var words: [UnsafeMutablePointer<CChar>?] = ([program] + arguments).map { strdup($0) } + [nil]
        defer { words.forEach { free($0) } }
        var started: pid_t = 0
        let code = posix_spawnp(&started, program, &actions, &attributes, &words, environ)
        guard code == 0 else {
            throw CampaignError(description: "cannot start \(program): \(String(cString: strerror(code)))")
        }
        pid = started
    }

    /// Waits for its end; nil when it did not come in time.
    func wait(seconds: Double) -> Int32? {
        let deadline = monotonicSeconds() + seconds
        var status: Int32 = 0
        while waitpid(pid, &status, WNOHANG) == 0 {
            guard monotonicSeconds() < deadline else { return nil }
            usleep(10_000)
        }
        return status & 0x7f == 0 ? (status >> 8) & 0xff : 128 + (status & 0x7f)
    }

    /// Asks it to end, and kills it when it does not.
    func stop(seconds: Double) {
        kill(pid, SIGTERM)
        if wait(seconds: seconds) == nil {
            kill(pid, SIGKILL)
            _ = wait(seconds: 10)
        }
    }

    /// Runs a program to its end; its exit status.
    static func run(_ program: String, _ arguments: [String], log: String, seconds: Double = 60) throws -> Int32 {
        let child = try ChildProgram(program, arguments, log: log)
        if let status = child.wait(seconds: seconds) { return status }
        child.stop(seconds: 1)
        throw CampaignError(description: "\(program) \(arguments.joined(separator: " ")) took more than \(seconds) s")
    }
}
