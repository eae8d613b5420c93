import ArgumentParser
import BlockStore
import Daemon
import EventLoop
import Glibc
import Logging
import Protocol

@main
struct BlockCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "sterna-block", abstract: "Serves the blocks of the disks of one host.")

    @OptionGroup var daemon: DaemonOptions
    @OptionGroup var registry: RegistryOptions
    @OptionGroup var listen: ListenOptions
    @OptionGroup var connections: ConnectionOptions
    @OptionGroup var keys: KeyOptions

    @Option(name: .customLong("disk"), help: "A disk as PATH:CLASS:FAILUREDOMAIN, CLASS flash or hdd. May be repeated.")
    var disks: [DiskOption] = []

    @Option(
        name: [.customLong("data"), .customLong("disks-root")],
        help: "Instead of --disk: the directory below which directories stand for disks.")
    var data: String?

    @Option(help: "With --data: how many directories.")
    var count = 1

    @Option(help: "With --data: failure domains that the directories are dealt out to; default: one each.")
    var failureDomains: Int?

    @Option(help: "With --data: what the names of the failure domains begin with.")
    var failureDomainPrefix = "domain-"

    @Option(name: .customLong("class"), help: "With --data: flash, hdd, or both (two disks per directory).")
    var storageClass = ClassOption.flash

    @Option(help: "Location of these disks, 0 to 254.")
    var location: UInt8 = 0

    @Option(help: "What the registry shows in front of the paths; default: the host's name.")
    var pathPrefix: String?

    @Option(help: "Seconds after its creation before a block may be erased; more than the 300 of the write window.")
    var eraseDelay: UInt32 = 3600

    @Flag(
        help: """
            Accept a shorter --erase-delay, for tests: a write that comes late may then bring back a block that was \
            erased.
            """)
    var unsafeEraseDelay = false

    @Option(help: "Seconds without progress after which a connection is closed.")
    var connectionTimeout: UInt32 = 600

    @Option(help: "Bytes a second with which a block has to come in at least, beyond the --request-timeout.")
    var leastWriteRate: UInt64 = 16 << 10

    @Option(help: "Bytes kept free on each filesystem, half of it always; default: 2 % of it, at most 100 GiB.")
    var reservedStorage: UInt64?

    @Option(help: "Blocks of at most so many bytes share files and syncs; 0: never. At most 262144.")
    var smallBlockBytes = 64 << 10

    @Option(help: "Threads per disk.")
    var threadsPerDisk = 4

    @Option(help: "Requests of one kind (fetch, write, check, erase) that may wait for a disk; more are refused.")
    var queueLength = 1000

    @Option(help: "Percent of a disk's requests that may end in I/O errors before its decommission is asked for.")
    var ioAlertPercent: UInt64 = 10

    @Option(help: "I/O errors of a disk in one period below which its decommission is not asked for.")
    var ioAlertErrors: UInt64 = 5

    @Option(help: "Seconds over which I/O errors are counted.")
    var ioAlertPeriod: UInt32 = 300

    func validate() throws {
        guard disks.isEmpty != (data == nil) else { throw ValidationError("give either --disk or --data") }
        guard (1...10_000).contains(count) else { throw ValidationError("--count must be between 1 and 10000") }
        guard (1...count).contains(failureDomains ?? count) else {
            throw ValidationError("--failure-domains must be between 1 and --count (\(count))")
        }
        guard failureDomainPrefix.utf8.count <= 12 else {
            throw ValidationError("--failure-domain-prefix has at most 12 bytes")
        }
        guard location != LocationID.invalid.rawValue else { throw ValidationError("--location 255 is reserved") }
        guard (1...256).contains(threadsPerDisk), connectionTimeout > 0 else {
            throw ValidationError("--threads-per-disk (up to 256) and --connection-timeout must be at least 1")
        }
        guard (0...BlockDiskOptions.largestSmallBlock).contains(smallBlockBytes) else {
            throw ValidationError("--small-block-bytes must be between 0 and \(BlockDiskOptions.largestSmallBlock)")
        }
        guard unsafeEraseDelay || UInt64(eraseDelay) * 1_000_000_000 > RequestRules.writeWindowNanoseconds else {
            throw ValidationError("--erase-delay must be more than the 300 s of the write window, not \(eraseDelay)")
        }
        guard queueLength > 0, ioAlertPeriod > 0, ioAlertErrors > 0, leastWriteRate > 0 else {
            throw ValidationError(
                "--queue-length, --least-write-rate, --io-alert-period and --io-alert-errors must be at least 1")
        }
        guard listen.addresses.allSatisfy({ $0.address != 0 }) else {
            throw ValidationError("--address must be one that others can reach, not 0.0.0.0")
        }
        let paths = wantedDisks.map(\.path)
        guard Set(paths).count == paths.count else { throw ValidationError("the same path is given twice") }
        guard paths.allSatisfy({ announcedPath($0).utf8.count <= 255 }) else {
            throw ValidationError("a disk's path, with the prefix, has at most 255 bytes")
        }
    }

    func run() throws {
        let registries = try registry.registry.resolve()
        let keys = try keys.load()
        try Daemon.run("sterna-block", daemon) { daemon in
            keys.warnIfOpen(daemon.logger)
            BlockService(settings(registries, keys, daemon.logger), on: daemon).start()
        }
    }

    private func settings(_ registries: [SocketAddress], _ keys: KeyRing, _ logger: Logger) -> BlockSettings {
        let shares = DescriptorShares(disks: wantedDisks.count, descriptors: ConnectionLimits.descriptors)
        return BlockSettings(
            disks: wantedDisks, announcedPath: announcedPath, location: LocationID(rawValue: location),
            addresses: listen.addresses, registry: registries, keys: keys,
            eraseDelayNanoseconds: UInt64(eraseDelay) * 1_000_000_000,
            connectionTimeoutNanoseconds: UInt64(connectionTimeout) * 1_000_000_000,
            diskOptions: BlockDiskOptions(smallBlockBytes: smallBlockBytes, reservedBytes: reservedStorage),
            threadsPerDisk: threadsPerDisk, queueLength: queueLength,
            // The socket, and the block's file.
            connections: connections.limits(descriptorsEach: 2, others: shares.disks, logger),
            recentFilesPerDisk: shares.recentFilesPerDisk, leastWriteBytesPerSecond: leastWriteRate,
            errorLimits: errorLimits)
    }

    private var errorLimits: ErrorLimits {
        ErrorLimits(
            percent: ioAlertPercent, count: ioAlertErrors, periodNanoseconds: UInt64(ioAlertPeriod) * 1_000_000_000)
    }

    private var wantedDisks: [DiskOption] {
        guard let data else { return disks }
        return DiskSet.disks(
            in: data, count: count, failureDomains: failureDomains ?? count, prefix: failureDomainPrefix,
            classes: storageClass.classes)
    }

    private func announcedPath(_ path: String) -> String {
        "\(pathPrefix ?? Self.hostName()):\(path)"
    }

    private static func hostName() -> String {
        var name = [CChar](repeating: 0, count: 65)
        guard gethostname(&name, name.count - 1) == 0 else { return "localhost" }
        return String(decoding: name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}
