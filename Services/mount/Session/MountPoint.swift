import CLinux
import EventLoop
import Glibc

/// The directory that becomes the mount.
package enum MountPoint {
    /// Makes sure that it is a directory. One that a mount left behind when its process was killed is freed first.
    static func prepare(_ path: String) throws(SystemError) {
        var found = stat()
        // What stat(2) says the kernel may remember of a mount that is dead; statfs(2) asks.
        var totals = statvfs()
        if statvfs(path, &totals) != 0, errno == ENOTCONN || errno == ECONNABORTED { try unmountStale(path) }
        guard stat(path, &found) == 0 else { throw .last("use \(path) as a mount point") }
        guard found.st_mode & S_IFMT == S_IFDIR else {
            throw SystemError("use \(path) as a mount point", code: ENOTDIR)
        }
    }

    private static func unmountStale(_ path: String) throws(SystemError) {
        let code = linux_unmount_lazily(path)
        guard code == 0 else { throw SystemError("unmount the dead mount at \(path)", code: code) }
    }

    /// Takes the mount off its place, while programs go on with what they have open. False when that cannot be done.
    ///
    /// On a thread of its own: the kernel or libfuse's helper, which those need who are not root, may look at the
    /// mount, which is ours, and the workers may all wait for a disk that hangs, such as that of the spool.
    package static func detach(_ path: String) async -> Bool {
        (try? await detaching.run { detachNow(path) }) ?? false
    }

    private static let detaching = WorkQueue(name: "detach", threads: 1)

    /// As `detach`, when nobody has to be served any more.
    @discardableResult
    static func detachNow(_ path: String) -> Bool {
        linux_unmount_lazily(path) == 0 || runHelper(path)
    }

    private static func runHelper(_ path: String) -> Bool {
        var pid: pid_t = 0
        var status: Int32 = 0
        let words = ["fusermount3", "-u", "-q", "-z", "--", path]
        var arguments: [UnsafeMutablePointer<CChar>?] = words.map { strdup($0) } + [nil]
        defer { for argument in arguments { free(argument) } }
        guard posix_spawnp(&pid, "fusermount3", nil, nil, &arguments, environ) == 0 else { return false }
        return waitpid(pid, &status, 0) == pid && status == 0
    }

    /// Lets the kernel read further ahead than its usual 128 KiB, if we may. Without it everything works, only slower.
    /// Looks the device up without asking the filesystem, which is ours and may be waiting for us.
    static func raiseReadAhead(_ path: String, kibibytes: Int) {
        guard let place = realpathOfParent(path), let device = MountTable.read()?.line(at: place)?.device else { return }
        let descriptor = open("/sys/class/bdi/\(device)/read_ahead_kb", O_WRONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return }
        let text = Array("\(kibibytes)\n".utf8)
        _ = write(descriptor, text, text.count)
        close(descriptor)
    }

    /// The absolute path, resolving all but the last component, which is the mount itself.
    static func realpathOfParent(_ path: String) -> String? {
        let trimmed = path.split(separator: "/", omittingEmptySubsequences: true)
        guard let last = trimmed.last, last != ".", last != ".." else { return nil }
        let parent = (path.hasPrefix("/") ? "/" : "./") + trimmed.dropLast().joined(separator: "/")
        guard let resolved = realpath(parent, nil) else { return nil }
        defer { free(resolved) }
        let text = String(cString: resolved)
        return text == "/" ? "/\(last)" : "\(text)/\(last)"
    }
}
