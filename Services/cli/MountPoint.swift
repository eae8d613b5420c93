import CLinux
import Glibc

/// The directory a cluster is mounted on.
struct MountPoint {
    let path: String

    init(_ path: String) { self.path = path }

    /// Makes the directory, and takes away what a mount that was killed has left on it.
    func prepare() throws(FileError) {
        var status = stat()
        for _ in 0..<8 {
            if stat(path, &status) == 0 { break }
            switch errno {
            case ENOENT:
                try makeDirectories(path)
            case ENOTCONN, ECONNABORTED:
                try detach()
            default:
                throw FileError(path: path, errnoValue: errno)
            }
        }
        var parent = stat()
        guard stat(path, &status) == 0, stat(path + "/..", &parent) == 0 else {
            throw FileError(path: path, errnoValue: errno)
        }
        if status.st_dev != parent.st_dev { throw FileError(path: path, errnoValue: EBUSY) }
    }

    /// Root unmounts by itself; others need libfuse's helper.
    private func detach() throws(FileError) {
        if linux_unmount_lazily(path) == 0 { return }
        var pid: pid_t = 0
        var status: Int32 = 0
        let started = withArgumentVector(["fusermount3", "-u", "-z", path]) {
            posix_spawnp(&pid, "fusermount3", nil, nil, $0, environ)
        }
        guard started == 0, waitpid(pid, &status, 0) == pid, status == 0 else {
            throw FileError(path: path, errnoValue: ENOTCONN)
        }
    }
}
