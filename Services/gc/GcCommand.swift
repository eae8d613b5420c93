import ArgumentParser
import Daemon
import EventLoop
import GarbageCollection
import MaintenanceState

/// `sterna-gc`: removes expired snapshots, destroys expired files, and reads all blocks again to repair what is bad.
@main
struct GcCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "sterna-gc",
        abstract: "Looks after a Sterna cluster: frees the space of deleted files, finds and repairs damage.")

    @OptionGroup var daemon: DaemonOptions
    @OptionGroup var registry: RegistryOptions
    @OptionGroup var key: ClientKeyOptions
    @OptionGroup var options: GcOptions
    @OptionGroup(title: "Scrubbing") var scrub: ScrubOptions
    @OptionGroup(title: "Migration") var migrate: MigrateOptions
    @OptionGroup(title: "Better order") var relayout: RelayoutOptions

    @Option(help: "Directory for what is remembered between two runs; created when missing.")
    var data: String

    func run() throws {
        let registries = try registry.registry.resolve()
        let key = try key.load()
        let state = try MaintenanceState(directory: data)
        try state.verify()
        let rest = try ClockRest(state, isClockRight: options.clockIsRight)
        try Daemon.run("sterna-gc", daemon) { daemon in
            let context = try GcContext(
                daemon, registries: registries, key: key, state: state, rest: rest, directory: data,
                requestsPerSecond: options.requestsPerSecond, firstDelay: options.firstDelay,
                isBaseProtocolOnly: options.baseProtocolOnly)
            try GcService.start(daemon, context, duties)
        }
    }

    /// All that was asked for.
    private func duties(_ context: GcContext) throws -> [any EndlessDuty] {
        var rounds = options.collectionDuties(context)
        if relayout.defrag {
            rounds.append(relayout.defragDuty(context, requestsPerSecond: options.requestsPerSecond))
        }
        var duties: [any EndlessDuty] = [DutySchedule(rounds, context)]
        if scrub.scrub { duties.append(ScrubDuty(context, scrub)) }
        if migrate.migrate { duties.append(try Migration(context, migrate)) }
        if relayout.rebalance { duties.append(RebalanceDuty(context, relayout)) }
        return duties
    }
}

/// What is done how often.
struct GcOptions: ParsableArguments {
    @Flag(inversion: .prefixedNo, help: "Remove snapshots that their directory's policy no longer protects.")
    var collectDirectories = true

    @Flag(inversion: .prefixedNo, help: "Destroy transient files that are past their deadline.")
    var destructFiles = true

    @Flag(inversion: .prefixedNo, help: "Drop empty entries of the shards' indices of files by block service.")
    var zeroBlockServices = true

    @Option(help: "Seconds between two looks through all directories.")
    var collectInterval: UInt32 = 600

    @Option(help: "Seconds between two looks through all transient files.")
    var destructInterval: UInt32 = 300

    @Option(help: "Seconds between two looks through the indices of files by block service.")
    var indexInterval: UInt32 = 3600

    @Option(help: "Seconds after the start before the first round of each duty.")
    var firstDelay: UInt32 = 30

    @Option(help: "Snapshots younger than this many seconds are never removed.")
    var collectDirectoriesMinEdgeAge: UInt32 = 3600

    @Option(help: "Seconds to let pass after a file's deadline, as clocks differ.")
    var destructMargin: UInt32 = 60

    @Option(help: "Seconds until a file is tried again whose blocks were too young or out of reach.")
    var destructPause: UInt32 = 900

    @Option(help: "Files of one shard that are destroyed at the same time.")
    var destructFilesAtOnce = 8

    @Option(help: "Erasures asked of one disk at the same time.")
    var erasuresPerDisk = 16

    @Option(help: "Requests per second at most, of all duties together.")
    var requestsPerSecond: UInt32 = 2000

    @Option(help: "Shards that a duty works on at the same time.")
    var shardsAtOnce = 8

    @Flag(help: "Ask the servers for nothing that the base protocol does not have, whatever the registry says.")
    var baseProtocolOnly = false

    @Flag(
        help: """
            Remove what is old although the registry's clock was set in the last day, or is not where the last run \
            left it: you have looked, and it is right. For one start; not to be left in a script.
            """)
    var clockIsRight = false

    func validate() throws {
        guard requestsPerSecond > 0 else { throw ValidationError("--requests-per-second must be at least 1") }
        guard destructFilesAtOnce > 0, erasuresPerDisk > 0 else {
            throw ValidationError("--destruct-files-at-once and --erasures-per-disk must be at least 1")
        }
        guard (1...256).contains(shardsAtOnce) else {
            throw ValidationError("--shards-at-once must be between 1 and 256")
        }
    }
}
