import ArgumentParser
import EventLoop
import Glibc

/// `mount.sterna`, which mount(8) calls for `mount -t sterna REGISTRY DIRECTORY` and lines of fstab: returns when the
/// mount is there, and leaves a daemon behind.
enum MountHelper {
    /// Exit codes of mount(8).
    private enum ExitCode {
        static let usage: Int32 = 1
        static let system: Int32 = 2
        static let interrupted: Int32 = 8
        static let failed: Int32 = 32
    }

    /// Whether the program is called by a name like `mount.sterna` or, at a remount, `mount.fuse.sterna`.
    static var isCalled: Bool {
        CommandLine.arguments.first?.split(separator: "/").last?.hasPrefix("mount.") ?? false
    }

    /// - Returns: the exit code.
    static func run() -> Int32 {
        do {
            let invocation = try MountInvocation(Array(CommandLine.arguments.dropFirst()))
            let words = try MountWords(invocation.words)
            return words.isRemount ? remount(invocation, words) : try mount(invocation, words)
        } catch {
            say("\(error)")
            return ExitCode.usage
        }
    }

    private static func say(_ text: String) {
        tell("mount.sterna: \(text)\n")
    }

    private static func tell(_ text: String) {
        let bytes = Array(text.utf8)
        _ = write(STDERR_FILENO, bytes, bytes.count)
    }

    private static func remount(_ invocation: MountInvocation, _ words: MountWords) -> Int32 {
        guard !invocation.isFake else { return 0 }
        do throws(SystemError) {
            try MountPoint.remount(absolute(invocation.directory), words.kernel)
            return 0
        } catch {
            say("\(error)")
            return ExitCode.failed
        }
    }

    // MARK: Mounting

    private static func mount(
        _ invocation: MountInvocation, _ words: MountWords
    ) throws(MountInvocation.UsageError) -> Int32 {
        let arguments = try arguments(invocation, words)
        guard !invocation.isFake else { return 0 }
        do throws(SystemError) {
            let log = try DaemonLog(words.logFile)
            let daemon = try BackgroundDaemon(arguments, log: log)
            switch daemon.awaitReady() {
            case .ready: return 0
            case .interrupted: return ExitCode.interrupted
            case .ended:
                if let said = log.newText { tell(said) }
                return ExitCode.failed
            }
        } catch {
            say("\(error)")
            return ExitCode.system
        }
    }

    /// Arguments for `sterna-mount` that it will take.
    private static func arguments(
        _ invocation: MountInvocation, _ words: MountWords
    ) throws(MountInvocation.UsageError) -> [String] {
        let kernel = words.kernel.isEmpty ? [] : ["-o", words.kernel.joined(separator: ",")]
        let fixed = ["--registry", invocation.registry] + kernel
        let place = ["--", absolute(invocation.directory)]
        var own = words.arguments
        while true {
            do {
                _ = try MountCommand.parse(fixed + own + place)
                return fixed + own + place
            } catch {
                // One word at a time: each is looked at alone, so that the others stay.
                let refused = own.firstIndex { (try? MountCommand.parse(fixed + [$0] + place)) == nil }
                guard invocation.isSloppy, let refused else {
                    throw MountInvocation.UsageError(description: MountCommand.message(for: error))
                }
                own.remove(at: refused)
            }
        }
    }

    /// The daemon does not stay in the directory from which it was started.
    private static func absolute(_ path: String) -> String {
        guard !path.hasPrefix("/"), let directory = getcwd(nil, 0) else { return path }
        defer { free(directory) }
        return String(cString: directory) + "/" + path
    }
}
