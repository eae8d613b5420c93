import ArgumentParser
import CLinux
import Client
import Daemon
import EventLoop
import Glibc

/// `sterna-mount`: a cluster as a directory.
struct MountCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "sterna-mount",
        abstract: "Mounts a Sterna (or TernFS) cluster at a directory, through FUSE.",
        discussion: """
            What programs write becomes visible to other mounts, as a new version of the file, when it is closed or \
            synced. Owners and permissions are kept where the cluster can do that (Sterna's can); elsewhere, and with \
            `--permissions fixed`, they are the same for all files, and changing them succeeds without effect. \
            Unmount with `fusermount3 -u MOUNTPOINT`, umount(8) or SIGTERM.
            """)

    @OptionGroup var daemon: DaemonOptions
    @OptionGroup var registry: RegistryOptions
    @OptionGroup var options: MountOptions

    @Argument(help: "The directory to mount at.")
    var mountpoint: String

    func run() throws {
        let registries = try registry.registry.resolve()
        // Threads inherit it.
        let ioFlusher = linux_set_io_flusher()
        try MountPoint.prepare(mountpoint)
        let spool = try SpoolDirectory.choose(options.spool, mountpoint: mountpoint)
        try Daemon.run("sterna-mount", daemon) { daemon in
            if ioFlusher != 0 { Self.warnOfBlockDevices(daemon, code: ioFlusher) }
            try MountService.start(
                daemon, registries: registries, mountpoint: mountpoint, spool: spool,
                source: registry.registry.endpoints.joined(separator: ","), options: options)
        }
    }

    private static func warnOfBlockDevices(_ daemon: Daemon, code: Int32) {
        let error = SystemError("become an I/O flusher", code: code)
        let text = "\(error): a loop device in a file of this mount may hang when memory is short"
        // Others than root may not, and cannot make such a device either.
        if geteuid() == 0 { daemon.logger.warning("\(text)") } else { daemon.logger.debug("\(text)") }
    }
}
