import ArgumentParser
import Daemon
import EventLoop
import Protocol
import RegistryCore
import RegistryServing
import Replicas

@main
struct RegistryDaemon: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "sterna-registry",
        abstract: "The registry of a Sterna cluster: who is where, and which disks to use.")

    @OptionGroup var daemon: DaemonOptions
    @OptionGroup var listen: ListenOptions
    @OptionGroup var log: LogOptions
    @OptionGroup var connections: ConnectionOptions
    @OptionGroup var keys: KeyOptions
    @OptionGroup var replicas: ReplicaOptions

    @Option(help: "Directory for the state and the log; created when missing.")
    var data: String

    @Option(help: "The location this registry answers LOCAL_* requests for.")
    var location: UInt8 = 0

    @Option(help: "Seconds without a registration after which a block service is stale.")
    var stalenessDelay: UInt32 = 180

    @Option(help: "Seconds a block service must be known before shards may use it.")
    var blockServiceUseDelay: UInt32 = 0

    @Option(help: "Seconds after which block services are dealt out to shards anew even if nothing changed.")
    var writableBlockServiceUpdateInterval: UInt32 = 1800

    @Option(help: "Block services per shard, location and storage class, if there are as many failure domains.")
    var maxWritableBlockServicesPerShard = WritableAssignment.defaultTargetPerShard

    @Option(help: "Least seconds between two decommissions that block services ask for themselves.")
    var minAutoDecomInterval: UInt32 = 3600

    @Option(help: "Failure domains of a location that may not all be unavailable because of automatic decommissioning.")
    var alertAtUnavailableFailureDomains: UInt8 = 3

    @Option(help: "Seconds between two rounds of asking the shards which block services hold files; 0 = never.")
    var hasFilesInterval: UInt32 = 60

    @Flag(help: "Shards and coordinators may register only from a host they share an IP with.")
    var enforceStableIp = false

    @Flag(help: "Shards and coordinators may not change their own leader flag.")
    var enforceStableLeader = false

    @Flag(help: "Tell clients of no extensions: for a cluster with shards or coordinators that have none.")
    var baseProtocolOnly = false

    func validate() throws {
        guard location != LocationID.invalid.rawValue else { throw ValidationError("--location 255 is reserved") }
        guard stalenessDelay >= 1 else { throw ValidationError("--staleness-delay must be at least 1") }
        guard (1...255).contains(maxWritableBlockServicesPerShard) else {
            throw ValidationError("--max-writable-block-services-per-shard must be between 1 and 255")
        }
        guard listen.addresses.allSatisfy({ $0.address != 0 }) else {
            throw ValidationError("--address must be one that others can reach, not 0.0.0.0")
        }
    }

    func run() throws {
        let keys = try keys.load()
        let plan = try replicas.plan()
        try Daemon.run("sterna-registry", daemon) { daemon in
            keys.warnIfOpen(daemon.logger)
            let service = try RegistryService(
                on: daemon, dataDirectory: data, keys: keys, addresses: listen.addresses,
                connections: connections.limits(descriptorsEach: 1, daemon.logger), configuration: core,
                hasFilesIntervalNanoseconds: UInt64(hasFilesInterval) * 1_000_000_000,
                acceptsLostLogTail: log.acceptLostLogTail, replicas: plan)
            service.start()
        }
    }

    private var core: RegistryConfiguration {
        let second: UInt64 = 1_000_000_000
        return RegistryConfiguration(
            location: LocationID(rawValue: location),
            rules: RegistryRules(
                enforceStableIP: enforceStableIp, enforceStableLeader: enforceStableLeader,
                minimumAutoDecommissionIntervalNanoseconds: UInt64(minAutoDecomInterval) * second,
                maximumUnavailableFailureDomains: alertAtUnavailableFailureDomains),
            stalenessDelayNanoseconds: UInt64(stalenessDelay) * second,
            useDelayNanoseconds: UInt64(blockServiceUseDelay) * second,
            assignmentIntervalNanoseconds: UInt64(writableBlockServiceUpdateInterval) * second,
            assignmentTarget: maxWritableBlockServicesPerShard,
            extensions: baseProtocolOnly ? [] : ProtocolExtension.all)
    }
}
