import ArgumentParser
import Client
import Filesystem
import Glibc

/// How the mount looks to programs.
package struct MountOptions: ParsableArguments {
    @Option(
        help: """
            Whose files are and who may use them: stored is as people set it, where the cluster can keep that; fixed is \
            the same for all files, as the options below say.
            """)
    package var permissions = OwnershipRule.stored

    @Option(help: "User id that owns every file, if fixed; default is the user who mounts.")
    package var uid: UInt32 = getuid()

    @Option(help: "Group id that owns every file, if fixed; default is the group of the user who mounts.")
    package var gid: UInt32 = getgid()

    @Option(help: "Permissions that nobody gets, octal, if fixed: 022 gives 0755.")
    package var umask: Octal = Octal(0o022)

    @Option(help: "As --umask, for files only. Every file is executable unless this says 133 or the like.")
    package var fmask: Octal?

    @Option(help: "As --umask, for directories only.")
    package var dmask: Octal?

    @Flag(
        inversion: .prefixedNo,
        help: """
            Let other users use the mount (needs root, or user_allow_other in /etc/fuse.conf); default for root, if the \
            cluster stores permissions.
            """)
    package var allowOther: Bool?

    @Option(
        name: .customShort("o"),
        help: """
            Options of mount(8) for the kernel, separated by commas: ro, noexec, noatime, sync; suid and dev, for root \
            only.
            """)
    package var kernel = KernelOptions()

    @Option(help: "Seconds for which a name, or a directory's time, may be out of date.")
    package var nameCacheSeconds: Double = 1

    @Option(help: "Access times of files that are read: relatime (as the kernel's) or off.")
    package var atime = AccessTimes.relatime

    @Option(help: "Kibibytes that the kernel reads ahead; needs root.")
    package var readAheadKib = 4096

    @Option(help: "Bytes of the largest answers of shards, 1472 to 8972; where larger ones get lost it is 1472 anyway.")
    package var datagramBytes: UInt16 = 8972

    @Flag(help: "Ask the servers for nothing that the base protocol does not have, whatever the registry says.")
    package var baseProtocolOnly = false

    @Option(
        help: """
            Seconds for which a program waits for servers that are away, whatever it does; 0 is for ever. What close \
            could not do in that time goes on being tried while the mount lives.
            """)
    package var timeout: UInt32 = 300

    @Option(
        help: """
            MiB for data of files: read, being written, and on its way; default is an eighth of the machine's memory, \
            64 to 448.
            """)
    package var memory: Int?

    @Option(
        help: """
            Directory on a local disk for changes of open files that do not fit into memory; default is the first of \
            $TMPDIR, /var/tmp and /tmp that can be used. Files there have no names and go by themselves.
            """)
    package var spool: String?

    @Option(help: "Bytes that changes may take there; beyond it writes fail. Default is a quarter of what is free.")
    package var spoolBytes: Int?

    @Option(
        help: """
            What fsync does: publish makes what was written so far visible, so that it survives everything; store keeps \
            it invisible until the file is closed.
            """)
    package var fsync = Synchronization.publish

    @Option(
        help: """
            How O_EXCL excludes programs of other hosts: create reserves the name at the open, for lock files; close \
            makes the close fail if somebody else was faster.
            """)
    package var exclusive = ExclusiveNames.close

    @Flag(help: .hidden)
    package var quietOnceReady = false

    package init() {}

    package func validate() throws {
        guard (0...3600).contains(nameCacheSeconds) else {
            throw ValidationError("--name-cache-seconds is between 0 and 3600")
        }
        guard (1472...8972).contains(datagramBytes) else {
            throw ValidationError("--datagram-bytes is between 1472 and 8972")
        }
        guard (64...1 << 20).contains(memory ?? 64) else {
            throw ValidationError("--memory is between 64 and 1048576")
        }
        guard spoolBytes ?? 0 >= 0 else { throw ValidationError("--spool-bytes is not negative") }
        guard (0...1 << 20).contains(readAheadKib) else {
            throw ValidationError("--read-ahead-kib is between 0 and 1048576")
        }
    }

    /// - Parameter spool: a directory that `SpoolDirectory` found usable.
    func clientOptions(spool: String) -> ClientOptions {
        var options = ClientOptions()
        options.spoolDirectory = spool
        options.spoolBytes = spoolBytes
        options.datagramBytes = datagramBytes
        options.isBaseProtocolOnly = baseProtocolOnly
        // Programs are told after --timeout, but nothing of a file is given up for that.
        options.writeTimeoutNanoseconds = 0
        options.shardTiming.overallNanoseconds = timeoutNanoseconds
        options.cdcTiming.overallNanoseconds = timeoutNanoseconds
        options.divide(memoryBytes: (memory ?? Self.usualMemory) << 20)
        return options
    }

    private var timeoutNanoseconds: UInt64 { UInt64(timeout) * 1_000_000_000 }

    private static var usualMemory: Int {
        let bytes = sysconf(Int32(_SC_PHYS_PAGES)) * sysconf(Int32(_SC_PAGESIZE))
        return min(max(bytes >> 23, 64), 448)
    }

    package var filesystemOptions: FilesystemOptions {
        var options = FilesystemOptions()
        options.caching.names = nameCacheSeconds
        options.accessTimes = atime
        options.ownership = permissions
        options.identities = IdentityMap.own
        options.patienceNanoseconds = timeoutNanoseconds
        options.synchronization = fsync
        options.reservesExclusiveNames = exclusive == .create
        return options
    }

    package var style: AttributeStyle {
        // The cluster does not know which files are programs, and one that cannot be run is the greater nuisance.
        AttributeStyle(
            owner: uid, group: gid, fileMode: 0o777 & ~(fmask?.value ?? umask.value),
            directoryMode: 0o777 & ~(dmask?.value ?? umask.value))
    }

    /// - Parameters:
    ///   - source: what lists of mounts show as the device.
    ///   - storesPermissions: whether the kernel has more to go by than who owns the mount.
    package func kernelOptions(source: String, storesPermissions: Bool) -> KernelOptions {
        var options = kernel
        options.source = source
        options.allowsOthers = allowOther ?? (storesPermissions && geteuid() == 0)
        return options
    }
}

extension AccessTimes: ExpressibleByArgument {}
extension OwnershipRule: ExpressibleByArgument {}
extension Synchronization: ExpressibleByArgument {}

/// When O_EXCL excludes others.
package enum ExclusiveNames: String, CaseIterable, ExpressibleByArgument {
    case create, close
}

/// Permission bits as people write them: octal.
package struct Octal: ExpressibleByArgument {
    package let value: mode_t

    package init(_ value: mode_t) {
        self.value = value
    }

    package init?(argument: String) {
        guard let value = mode_t(argument, radix: 8), value <= 0o777 else { return nil }
        self.value = value
    }

    package var defaultValueDescription: String { "0" + String(value, radix: 8) }
}
