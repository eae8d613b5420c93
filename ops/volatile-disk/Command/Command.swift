import ArgumentParser
import CLinux
import Glibc
import VolatileDisk

/// A directory on a disk that can lose power. `ops/volatile-disk/README.md` says how it is steered.
@main struct Command: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "sterna-volatile-disk",
        abstract: "Mounts a disk that forgets what was not synced when its power is cut, for tests.",
        discussion: """
            The disk is empty at first and ends with the program; SIGTERM unmounts it. Write a command to \
            MOUNTPOINT/.control: cut PATH [none], sync PATH, rot PATH, fail-write PATH [TIMES], fail-sync PATH [TIMES], \
            ignore-sync PATH, full PATH, heal PATH. Read it for what the last one did. Paths begin at the mount point's /.
            """)

    @Option(help: "Where durable bytes are kept meanwhile: an empty directory.")
    var medium: String

    @Option(help: "Decides what survives a cut.")
    var seed: UInt64

    @Flag(help: "Write nothing to the medium that nobody asked for; else some is now and then, as kernels do.")
    var lazy = false

    @Option(help: "End when the process with this id, which must be the parent, ends.")
    var parentPid: Int32?

    @Argument(help: "Where to mount.")
    var mountpoint: String

    func run() throws {
        // Whoever started us may have left the signals blocked that stop us.
        var none = sigset_t()
        sigemptyset(&none)
        sigprocmask(SIG_SETMASK, &none, nil)
        if let parentPid {
            let code = linux_set_parent_death_signal(SIGTERM)
            guard code == 0 else { throw DiskError(code) }
            guard getppid() == parentPid else { throw DiskError(ESRCH) }
        }
        let mount = DiskMount(VolatileDisk(directory: medium, seed: seed, writesBack: !lazy), medium: medium)
        guard try mount.serve(at: mountpoint) else { throw ExitCode(1) }
    }
}
