import ArgumentParser
import CoordinatorServing
import Daemon
import EventLoop
import Protocol
import Replicas

/// `sterna-cdc`: the cross-directory coordinator.
@main
struct CdcCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "sterna-cdc",
        abstract: "Carries out what touches more than one directory: mkdir, rmdir, renames.")

    @Option(help: "Directory for log and state; made if missing.")
    var data: String

    @OptionGroup var listen: ListenOptions
    @OptionGroup var registry: RegistryOptions
    @OptionGroup var daemon: DaemonOptions
    @OptionGroup var log: LogOptions
    @OptionGroup var replicas: ReplicaOptions

    @OptionGroup var keys: KeyOptions

    @Option(help: "Milliseconds that a shard may take before its request is repeated (1...60000).")
    var shardTimeoutMs: Int = 100

    @Option(help: "Location of this replica.")
    var location: UInt8 = 0

    @Flag(
        help: """
            Ask shards for nothing that the base protocol does not have; without it the registry tells whether they \
            know more. Requests are then not kept from being carried out twice.
            """)
    var baseProtocolOnly = false

    func validate() throws {
        guard (1...60_000).contains(shardTimeoutMs) else {
            throw ValidationError("--shard-timeout-ms must be 1...60000, not \(shardTimeoutMs)")
        }
    }

    func run() throws {
        let registries = try registry.registry.resolve()
        var options = CdcService.Options(
            dataDirectory: data, addresses: listen.addresses, registries: registries, keys: try keys.load())
        options.shardTimeoutNanoseconds = UInt64(shardTimeoutMs) * 1_000_000
        options.location = LocationID(rawValue: location)
        options.isBaseProtocolOnly = baseProtocolOnly
        options.acceptsLostLogTail = log.acceptLostLogTail
        options.replicas = try replicas.plan()
        var service: CdcService?
        try Daemon.run("cdc", daemon) { daemon in
            options.keys.warnIfOpen(daemon.logger)
            let made = try CdcService(daemon, options)
            try made.start()
            service = made
        }
        _ = service
    }
}
