import Glibc

/// An empty filesystem that forgets what was not synced when its power is cut (`ops/volatile-disk`); nothing is written
/// to its medium without a sync. Needs FUSE.
package final class VolatileMount {
    package let path: String
    private let directory: TemporaryDirectory
    private let process: ChildProcess

    /// - Throws: `POSIXFailure` when it cannot be mounted.
    package init() throws {
        directory = try TemporaryDirectory("volatile")
        path = directory.path + "/mnt"
        let medium = directory.path + "/medium"
        for place in [path, medium] where mkdir(place, 0o755) != 0 { throw POSIXFailure("make \(place)") }
        process = try ChildProcess(
            "sterna-volatile-disk", ["--medium", medium, "--seed", "1", "--lazy", path])
        let control = path + "/.control"
        guard happens({ access(control, F_OK) == 0 }) else {
            errno = ETIMEDOUT
            throw POSIXFailure("mount a disk without power at \(path)")
        }
    }

    deinit {
        process.end(SIGTERM)
        umount2(path, Int32(MNT_DETACH))
    }

    /// A command of the disk, such as `ignore-sync /a`.
    package func command(_ line: String) throws {
        let control = open(path + "/.control", O_WRONLY | O_CLOEXEC)
        guard control >= 0 else { throw POSIXFailure("open the disk's control file") }
        defer { close(control) }
        let bytes = Array(line.utf8)
        guard write(control, bytes, bytes.count) == bytes.count else { throw POSIXFailure(line) }
    }

    /// What was not synced is gone. Nobody may have anything open.
    package func cutPower() throws { try command("cut / none") }
}
