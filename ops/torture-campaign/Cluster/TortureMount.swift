import Foundation
import Synchronization

/// A mount of the cluster by a `sterna-mount` of its own.
final class TortureMount: Sendable {
    let path: String
    private let program: ChildProgram
    /// In /sys/fs/fuse/connections.
    private let connection: UInt32

    init(programs: String, registry: String, path: String, log: String) throws {
        self.path = path
        let program = try ChildProgram(
            "\(programs)/sterna-mount", ["--registry", registry, "--parent-pid", "\(getpid())", path], log: log)
        self.program = program
        var parent = stat()
        guard stat((path as NSString).deletingLastPathComponent, &parent) == 0 else {
            throw PosixError.last("stat above \(path)")
        }
        var device: dev_t = parent.st_dev
        let isMounted = waitUntil(seconds: 30) {
            var status = stat()
            if stat(path, &status) == 0 { device = status.st_dev }
            return device != parent.st_dev || program.wait(seconds: 0) != nil
        }
        guard isMounted, device != parent.st_dev else {
            program.stop(seconds: 5)
            throw CampaignError(description: "\(path) was not mounted; see \(log)")
        }
        connection = UInt32(truncatingIfNeeded: device & 0xff | device >> 12 & ~0xff)
    }

    var pid: pid_t { program.pid }

    /// Unmounts. - Returns: whether the mount process ended properly.
    func stop() -> Bool {
        Glibc.kill(program.pid, SIGTERM)
        if let status = program.wait(seconds: 60) {
            if status != 0 { detach() }
            return status == 0
        }
        abort()
        program.stop(seconds: 5)
        detach()
        return false
    }

    /// Ends the process at once. Whoever uses the mount gets errors, until it is detached.
    func kill() {
        Glibc.kill(program.pid, SIGKILL)
        _ = program.wait(seconds: 10)
    }

    /// Takes what a killed process left of the mount away.
    func detach() {
        if umount2(path, Int32(MNT_DETACH)) != 0 { say("cannot unmount \(path): \(PosixError.last("umount"))") }
    }

    /// Lets go of everybody who waits for it: what they wait for fails.
    func abort() {
        let path = "/sys/fs/fuse/connections/\(connection)/abort"
        let descriptor = open(path, O_WRONLY)
        guard descriptor >= 0 else { return say("cannot abort \(self.path): \(PosixError.last("open \(path)"))") }
        if write(descriptor, "1", 1) != 1 { say("cannot abort \(self.path): \(PosixError.last("write \(path)"))") }
        close(descriptor)
    }
}
