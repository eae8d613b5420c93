import ArgumentParser
import CLinux
import Daemon
import EventLoop
import Glibc

/// `sterna sync`: everything that was written through a mount is in the cluster.
struct Sync: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "sync", abstract: "Wait until all that was written through a mount is safe.",
        discussion: """
            Does what fsync(2) does to every file of the mount that is being written, and waits for those that were closed \
            while servers were away. sync(1) and syncfs(2) cannot: the kernel does not tell mounts of them. Only for root \
            and whoever has mounted: what others are writing becomes visible.
            """)

    @Argument(help: "The mount, or anything on it.")
    var path: String

    func run() throws {
        let descriptor = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC)
        guard descriptor >= 0 else { throw SystemError.last("open \(path)") }
        defer { close(descriptor) }
        // Pages of mappings that only the kernel has so far: it gives them to the mount, though it does not say why.
        let written = linux_sync_filesystem(descriptor)
        guard written == 0 else { throw SystemError("sync \(path)", code: written) }
        let code = linux_ioctl(descriptor, MountRequest.synchronize)
        guard code != -ENOTTY else { throw ValidationError("\(path) is on no mount of a cluster") }
        guard code == 0 else { throw SystemError("sync \(path)", code: code) }
    }
}
