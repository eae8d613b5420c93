import ArgumentParser
import Daemon
import EventLoop
import Glibc

/// `sterna up DIR`: a whole cluster on this machine, as long as the command runs.
struct Up: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Start a whole cluster on this machine and mount it.",
        discussion: """
            Starts one process per role (registry, all 256 shards, coordinator, all disks, garbage collector, mount), keeps \
            everything below DIR and mounts at DIR/mnt. Ctrl-C stops it all. A second start finds the same data.
            """)

    @Argument(help: "Directory of the cluster; made if missing.")
    var directory: String

    @Option(help: "Disks (directories below DIR/disks), each a block service. Default: 8. May grow at a later start.")
    var blockServices: Int?

    @Option(help: "Failure domains the disks stand for. Default: one per disk.")
    var failureDomains: Int?

    @Option(
        help: "How data is made redundant: single, mirror:COPIES or rs:DATA,PARITY. Default: what suits the domains.",
        transform: parsePolicy)
    var policy: RedundancyPolicy?

    @Option(
        help: "How long deleted and overwritten files are kept, such as 90m, 24h or 30d.", transform: KeepTime.parse)
    var keepDeleted: KeepTime?

    @Option(help: "TCP port of the registry. Default: a free one, kept for later starts.")
    var registryPort: UInt16?

    @Option(
        help: """
            Processes with a copy of the metadata of each kind (registry, shards, coordinator), 1, 3 or 5: the others go on when fewer than half are gone. \
            Default: 1. May grow at a later start.
            """)
    var replicas: Int?

    @Option(help: "Processes that serve the disks, each its share of them.")
    var blockProcesses = 1

    @Option(
        name: .customLong("with"),
        help: .init(
            "A further option for the services of a role, such as block:--erase-delay=600. May be repeated.",
            valueName: "role:option"))
    var serviceOptions: [ServiceOption] = []

    @Flag(help: "Do not mount.")
    var noMount = false

    @Option(help: .init("Create this file once everything is ready.", valueName: "path"))
    var readyFile: String?

    func run() throws {
        // Whoever started us may have left the signals blocked that stop us.
        Process.unblockSignals()
        let paths = try ClusterPaths(directory)
        let lock = try ClusterLock(paths.lock)
        defer { lock.release() }
        let key = ClusterKeyFile(paths.key)
        // A cluster of a version without keys gets its key now.
        if !key.exists { try key.create() }
        _ = try key.load()
        var (layout, isNew) = try layout(at: paths.layout)
        guard (1...layout.blockServices).contains(blockProcesses) else {
            throw ValidationError("--block-processes is between 1 and the number of disks (\(layout.blockServices))")
        }
        try chooseRegistryPorts(&layout)
        let loop = try EventLoop()
        var plan = StartPlan(layout: layout, paths: paths, isNew: isNew, mounts: !noMount, readyFile: readyFile)
        plan.changesPolicy = isNew || policy != nil || keepDeleted != nil
        plan.keepDeleted = keepDeleted ?? .oneDay
        plan.blockProcesses = blockProcesses
        plan.serviceOptions = serviceOptions
        if layout.replicas > 1 {
            plan.peerPorts = try FreePorts.choose(layout.replicas, for: StartPlan.replicated)
        }
        let supervisor = try Supervisor(loop: loop, plan: plan)
        supervisor.start()
        loop.run()
        if let failure = supervisor.failure { throw failure }
    }

    /// All who ask the registry have to know where its replicas are, at later starts as well.
    private func chooseRegistryPorts(_ layout: inout ClusterLayout) throws {
        let missing = layout.replicas - 1 - layout.otherRegistryPorts.count
        guard missing > 0 else { return }
        layout.otherRegistryPorts += try FreePorts.choose(missing, for: ["registry"])["registry"] ?? []
    }

    /// The layout kept from an earlier start with this start's options applied, or a new one.
    private func layout(at path: String) throws -> (ClusterLayout, isNew: Bool) {
        var layout: ClusterLayout
        let kept = try ClusterLayout.load(path)
        if let kept {
            layout = try kept.changed(
                blockServices: blockServices, failureDomains: failureDomains, policy: policy, replicas: replicas)
        } else {
            layout = try ClusterLayout(
                blockServices: blockServices, failureDomains: failureDomains, policy: policy, replicas: replicas)
        }
        if let registryPort { layout.registryPort = registryPort }
        return (layout, kept == nil)
    }
}

private func parsePolicy(_ text: String) throws -> RedundancyPolicy {
    guard let policy = RedundancyPolicy(text) else {
        throw ValidationError("a policy is single, mirror:2 to mirror:16, or rs:DATA,PARITY with 2-15 and 1-15 blocks")
    }
    return policy
}
