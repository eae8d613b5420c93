import Foundation
import SystemCalls

/// Something that keeps programs from being run at all.
struct RunFailure: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }

    /// Of a system call that failed just now.
    static func call(_ what: String) -> RunFailure { RunFailure("cannot \(what): \(String(cString: strerror(errno)))") }
}

/// A program that was started here, and ends when this one does.
final class ChildProgram {
    let pid: pid_t
    private var status: Int32?

    /// - Parameters:
    ///   - input, output: descriptors that become its standard input and output; nil: none, and our errors.
    init(_ path: String, _ arguments: [String], input: Int32? = nil, output: Int32? = nil) throws {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        if let input {
            posix_spawn_file_actions_adddup2(&actions, input, 0)
        } else {
            posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        }
        posix_spawn_file_actions_adddup2(&actions, output ?? 2, 1)
        var words: [UnsafeMutablePointer<CChar>?] = ([path] + arguments).map { strdup($0) } + [nil]
        defer { words.forEach { free($0) } }
        var started: pid_t = 0
        let code = posix_spawn(&started, path, &actions, nil, &words, environ)
        guard code == 0 else { throw RunFailure("cannot start \(path): \(String(cString: strerror(code)))") }
        pid = started
    }

    deinit { _ = kill() }

    /// Kills it. - Returns: whether it is gone; a process that waits for a dead mount may not be.
    func kill(seconds: Double = 20) -> Bool {
        if status == nil { Glibc.kill(pid, SIGKILL) }
        return wait(seconds: seconds) != nil
    }

    /// How it ended, as waitpid(2) says; nil: it has not.
    func wait(seconds: Double) -> Int32? {
        let deadline = monotonicSeconds() + seconds
        while status == nil {
            var found: Int32 = 0
            if waitpid(pid, &found, WNOHANG) == pid { status = found }
            guard status == nil, monotonicSeconds() < deadline else { break }
            usleep(500)
        }
        return status
    }
}

func monotonicSeconds() -> Double {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
}
