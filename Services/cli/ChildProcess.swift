import CLinux
import Glibc

/// One started program: its process id, and the pipe on which it reports that it is ready.
///
/// The child gets its own process group, so that a Ctrl-C at the terminal reaches only the supervisor, which then stops
/// its children in the right order. Its standard output and error are appended to a log file.
struct ChildProcess {
    /// Why a program could not be started.
    struct StartError: Error, CustomStringConvertible {
        let program: String
        let errnoValue: Int32
        var description: String { "cannot start \(program): \(String(cString: strerror(errnoValue)))" }
    }

    /// The descriptor number under which a child finds its readiness pipe.
    static let readyDescriptor: Int32 = 3

    let pid: pid_t
    /// Read end of the readiness pipe; the owner closes it.
    let readyPipe: Int32

    /// Starts `program` with `arguments`, its output appended to the file `log`.
    static func start(_ program: String, _ arguments: [String], log: String) throws(StartError) -> ChildProcess {
        var ends: [Int32] = [-1, -1]
        let made = linux_pipe(&ends)
        guard made == 0 else { throw StartError(program: program, errnoValue: -made) }
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_addopen(&actions, 1, log, O_WRONLY | O_CREAT | O_APPEND, 0o644)
        posix_spawn_file_actions_adddup2(&actions, 1, 2)
        posix_spawn_file_actions_adddup2(&actions, ends[1], readyDescriptor)
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        posix_spawnattr_setpgroup(&attributes, 0)
        var noSignals = sigset_t()
        sigemptyset(&noSignals)
        posix_spawnattr_setsigmask(&attributes, &noSignals)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK))

        var pid: pid_t = 0
        let result = withArgumentVector([program] + arguments) {
            posix_spawn(&pid, program, &actions, &attributes, $0, environ)
        }
        close(ends[1])
        guard result == 0 else {
            close(ends[0])
            throw StartError(program: program, errnoValue: result)
        }
        return ChildProcess(pid: pid, readyPipe: ends[0])
    }
}

/// Lends `words` as a C argument vector.
func withArgumentVector<Result>(
    _ words: [String], _ body: (UnsafePointer<UnsafeMutablePointer<CChar>?>) -> Result
) -> Result {
    let vector: [UnsafeMutablePointer<CChar>?] = words.map { strdup($0) } + [nil]
    defer { vector.forEach { free($0) } }
    return body(vector)
}

/// How a child ended, for people.
func describeExit(status: Int32) -> String {
    let signal = status & 0x7f
    return signal == 0 ? "exited with status \((status >> 8) & 0xff)" : "was killed by signal \(signal)"
}
