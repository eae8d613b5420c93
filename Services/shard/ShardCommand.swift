import ArgumentParser
import Client
import Daemon
import EventLoop
import Protocol
import Replicas
import ShardServing

/// Hosts any set of shards of a cluster in one process.
@main
struct ShardCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "sterna-shard",
        abstract: "Serves the metadata of shards: directories, files, spans.",
        discussion: """
            All shards of the process share one log and one state store below --data. With a port in --address, shard n \
            listens on that port + n; with port 0 the system chooses. Clients find the addresses through the registry.
            """)

    @OptionGroup var daemonOptions: DaemonOptions
    @OptionGroup var registryOptions: RegistryOptions
    @OptionGroup var listenOptions: ListenOptions
    @OptionGroup var logOptions: LogOptions
    @OptionGroup var replicaOptions: ReplicaOptions

    @Option(help: "Shards to host: 0-255, 17, or 0-3,8,12-15.")
    var shards: ShardSet

    @Option(help: "Directory of the log and the state; created when missing.")
    var data: String

    @Option(help: "Event loops, each on a thread of its own, that the shards are spread over (1 to 64).")
    var loops = 1

    @Option(
        help: """
            Seconds until an unfinished file that nobody works on expires, at least \(leastTransientDeadline). \
            Writers renew theirs after a third of it. Machines that are suspended or cut off for longer have to store \
            what they were writing again.
            """)
    var transientDeadline: UInt32 = 7200

    /// See there for why.
    static let leastTransientDeadline = UInt32(ClientLimits.leastTransientNanoseconds / 1_000_000_000)

    @Option(help: "Seconds of age below which no deleted or replaced version is removed for good, whoever asks.")
    var minimumHistoryAge: UInt32 = 1800

    @Option(
        help: """
            Seconds that a version of a file stays readable for who has it open, after a newer one took its place \
            without leaving a snapshot; if that is more, --minimum-history-age.
            """)
    var supersededGrace: UInt32 = 3600

    @OptionGroup var keyOptions: KeyOptions

    @Flag(help: "Drop what the base protocol does not have without an answer, as its shards do: to try mixed clusters.")
    var baseProtocolOnly = false

    @Option(help: "Location this process belongs to.")
    var location: UInt8 = 0

    @Option(help: "Memory for the state store's caches and buffers, MiB.")
    var stateMemory = 48

    @Option(help: "Memory for decoded records of all shards together, MiB.")
    var cacheMemory = 48

    func validate() throws {
        guard (1...64).contains(loops) else { throw ValidationError("--loops must be 1 to 64, not \(loops)") }
        guard transientDeadline >= Self.leastTransientDeadline else {
            throw ValidationError(
                """
                --transient-deadline must be at least \(Self.leastTransientDeadline) seconds: with less, one lost \
                datagram could cost a file that is being written
                """)
        }
        guard location != LocationID.invalid.rawValue else { throw ValidationError("--location 255 is reserved") }
        guard (8...1 << 20).contains(stateMemory), (1...1 << 20).contains(cacheMemory) else {
            throw ValidationError("--state-memory must be at least 8 MiB and --cache-memory at least 1 MiB")
        }
        for address in listenOptions.addresses where address.port != 0 {
            guard Int(address.port) + 255 <= Int(UInt16.max) else {
                throw ValidationError("--address \(address) leaves no room for 256 ports")
            }
        }
    }

    func run() throws {
        let configuration = try configuration()
        try Daemon.run("sterna-shard", daemonOptions) { daemon in
            configuration.keys.warnIfOpen(daemon.logger)
            try ShardHost(daemon, configuration).start()
        }
    }

    private func configuration() throws -> ShardConfiguration {
        ShardConfiguration(
            shards: shards.shards, dataDirectory: data, listenAddresses: listenOptions.addresses,
            registryAddresses: try registryOptions.registry.resolve(), loopCount: min(loops, shards.shards.count),
            transientLifetimeNanoseconds: UInt64(transientDeadline) * 1_000_000_000,
            minimumHistoryAgeNanoseconds: UInt64(minimumHistoryAge) * 1_000_000_000,
            supersededGraceNanoseconds: UInt64(supersededGrace) * 1_000_000_000,
            keys: try keyOptions.load(), isBaseProtocolOnly: baseProtocolOnly, location: LocationID(rawValue: location),
            stateMemoryBytes: stateMemory << 20, cacheMemoryBytes: cacheMemory << 20,
            acceptsLostLogTail: logOptions.acceptLostLogTail, replicas: try replicaOptions.plan())
    }
}
