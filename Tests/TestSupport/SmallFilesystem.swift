import Glibc

/// A tiny filesystem in memory that runs full soon. Needs the right to mount: tests fail without it.
package final class SmallFilesystem {
    package let path: String
    private let directory: TemporaryDirectory

    /// - Throws: `POSIXFailure` when it cannot be mounted.
    package init(kibibytes: Int) throws {
        directory = try TemporaryDirectory("full")
        path = directory.path
        guard mount("tmpfs", path, "tmpfs", 0, "size=\(kibibytes)k") == 0 else {
            throw POSIXFailure("mount a tmpfs at \(path), which these tests need root for")
        }
    }

    deinit {
        umount2(path, Int32(MNT_DETACH))
    }

    package var freeBytes: Int {
        get throws {
            var status = Glibc.statvfs()
            guard statvfs(path, &status) == 0 else { throw POSIXFailure("measure \(path)") }
            return Int(status.f_bavail) * Int(status.f_frsize)
        }
    }

    /// Fills it but for so many bytes; `makeRoom` undoes that.
    package func fill(leaving byteCount: Int) throws {
        let file = open(path + "/filler", O_WRONLY | O_CREAT | O_CLOEXEC, 0o600)
        guard file >= 0 else { throw POSIXFailure("create a file at \(path)") }
        defer { close(file) }
        let code = posix_fallocate(file, 0, off_t(try freeBytes - byteCount))
        guard code == 0 else { throw POSIXFailure("fill \(path)", code: code) }
    }

    package func makeRoom() throws {
        guard unlink(path + "/filler") == 0 else { throw POSIXFailure("remove a file at \(path)") }
    }
}
