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
}
