import Foundation
import Testing

/// What a finished program said.
struct ShellResult {
    let status: Int32
    let output: String
}

/// Runs `script` with bash, everything it starts in one process group, which is killed when `seconds` have passed.
///
/// Whatever touches a mount runs this way and never in the test process itself: a mount that hangs then costs one test
/// its deadline instead of hanging the whole run.
func shell(_ script: String, seconds: Double = 60, sourceLocation: SourceLocation = #_sourceLocation) -> ShellResult {
    let process = BackgroundShell(script)
    return process.wait(seconds: seconds, sourceLocation: sourceLocation)
}

/// Runs `script` and requires that it succeeds; returns what it printed, without the last newline.
@discardableResult
func sh(_ script: String, seconds: Double = 60, sourceLocation: SourceLocation = #_sourceLocation) throws -> String {
    let result = shell(script, seconds: seconds, sourceLocation: sourceLocation)
    try #require(
        result.status == 0, "status \(result.status) of: \(script)\n\(result.output.suffix(2000))",
        sourceLocation: sourceLocation)
    return result.output.hasSuffix("\n") ? String(result.output.dropLast()) : result.output
}

/// A script that runs while the test does something else.
final class BackgroundShell {
    private let pid: pid_t
    private let outputPath: String

    init(_ script: String) {
        outputPath = NSTemporaryDirectory() + "sterna-shell-" + UUID().uuidString
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_addopen(&actions, 1, outputPath, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
        posix_spawn_file_actions_adddup2(&actions, 1, 2)
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        posix_spawnattr_setpgroup(&attributes, 0)
        // The test may run on a thread of Dispatch, which blocks signals that the programs under test must get.
        var noSignals = sigset_t()
        sigemptyset(&noSignals)
        posix_spawnattr_setsigmask(&attributes, &noSignals)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK))
        let words: [String] = ["/bin/bash", "-c", script]
        var argv: [UnsafeMutablePointer<CChar>?] = words.map { strdup($0) } + [nil]
        var started: pid_t = 0
        let result = posix_spawn(&started, "/bin/bash", &actions, &attributes, &argv, environ)
        argv.forEach { free($0) }
        posix_spawnattr_destroy(&attributes)
        posix_spawn_file_actions_destroy(&actions)
        precondition(result == 0, "cannot start bash: \(String(cString: strerror(result)))")
        pid = started
    }

    /// Sends a signal to the script and all it started.
    func signal(_ number: Int32) { kill(-pid, number) }

    /// Waits for the end; after `seconds` kills the whole group and records a failure.
    func wait(seconds: Double, sourceLocation: SourceLocation = #_sourceLocation) -> ShellResult {
        let deadline = Date().addingTimeInterval(seconds)
        var status: Int32 = 0
        while waitpid(pid, &status, WNOHANG) == 0 {
            if Date() > deadline {
                signal(SIGKILL)
                Issue.record("not finished after \(seconds) s", sourceLocation: sourceLocation)
                return ShellResult(status: -1, output: takeOutput())
            }
            usleep(2000)
        }
        let code = status & 0x7f == 0 ? (status >> 8) & 0xff : 128 + (status & 0x7f)
        return ShellResult(status: code, output: takeOutput())
    }

    private func takeOutput() -> String {
        defer { unlink(outputPath) }
        return String(decoding: FileManager.default.contents(atPath: outputPath) ?? Data(), as: UTF8.self)
    }
}
