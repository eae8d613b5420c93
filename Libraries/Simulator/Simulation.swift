import Protocol

/// One run: a cluster, its users and collectors, trouble, healing, and what must be true then.
///
/// Everything follows from the seed. Confined to one thread at a time.
public final class Simulation {
    private let seed: UInt64
    private let world: World
    private let cluster: SimulatedCluster
    private let plan: FaultPlan
    private let clients: [SimulatedClient]
    private let users: [Workload]
    private let collectors: [Collector]
    private let injector: FaultInjector
    private let check: StepCheck
    private var nextLook: UInt64 = 0

    private static let second = ClusterOptions.second
    /// How long healing may take: longer than a packet may be late.
    private static let healing: UInt64 = 1_800 * second
    /// How long it may take until everything that has to go is gone.
    private static let cleaning: UInt64 = 4 * 3_600 * second

    /// - Parameter tracedEvents: how many of the last events to keep for the report; they cost time.
    public init(seed: UInt64, tracedEvents: Int = 0) throws {
        self.seed = seed
        world = World(seed: seed, tracedEvents: tracedEvents)
        var plan = FaultPlan(&world.random)
        let options = try ClusterOptions(&world.random)
        if options.replicas > 1 { plan.shorten(&world.random) }
        self.plan = plan
        let cluster = SimulatedCluster(world, options)
        self.cluster = cluster
        let count = cluster.options.clients + cluster.options.collectors
        clients = try (0..<count).map { try SimulatedClient($0, cluster) }
        users = clients.prefix(cluster.options.clients).map(Workload.init)
        collectors = clients.suffix(cluster.options.collectors).map(Collector.init)
        injector = FaultInjector(cluster, clients: clients, plan)
        check = StepCheck(cluster)
    }

    /// Carries the run out; it ends at the first thing found wrong.
    public func run() -> Report {
        begin()
        world.run(until: plan.duration)
        let troubled = world.now
        heal()
        clean()
        restartAll()
        let report = report(troubled)
        for machine in cluster.machines { machine.end() }
        world.end()
        return report
    }

    private func begin() {
        for machine in cluster.registries + cluster.machines { machine.start() }
        cluster.addresses.start()
        for client in clients { client.start() }
        // Block services register, shards learn of them.
        world.run(until: 60 * Self.second)
        injector.start()
        for user in users { user.start(until: plan.duration) }
        for collector in collectors { collector.start(until: plan.duration) }
        world.every(60 * Self.second...120 * Self.second) { [unowned self] in
            check.run()
            return world.now < plan.duration
        }
        world.every(Self.second...3 * Self.second) { [unowned self] in
            cluster.refreshDirectories()
            return world.now < plan.duration
        }
    }

    /// The trouble ends; everything under way has to come to its end, and then all must be in order.
    private func heal() {
        injector.stop()
        guard comesToRest() else { return }
        checkAll()
        checkWriting()
        for contradiction in cluster.names.contradictions() { world.find(contradiction) }
        checkRefusals()
    }

    /// A cluster that does nothing does nothing wrong: most of what users want has to be done.
    private func checkRefusals() {
        let done = users.reduce(0) { $0 + $1.succeeded }
        let refused = users.reduce(0) { $0 + $1.refused }
        if refused > 3 * done + 20 { world.find("\(refused) operations of users were refused, and \(done) done") }
    }

    /// Whatever happened, every shard takes data again.
    private func checkWriting() {
        // Disks that were thought to be away are known again.
        world.run(until: world.now + 180 * Self.second)
        let probe = WriteProbe(users[0].client)
        probe.start(at: cluster.watch.shards)
        world.run(until: world.now + Self.healing) { !probe.isRunning }
        for failure in probe.failures { world.find(failure) }
    }

    private func comesToRest() -> Bool {
        var isAtRest = false
        world.run(until: world.now + Self.healing) { [unowned self] in
            isAtRest = isAtRest || isQuiet
            return isAtRest
        }
        guard world.findings.isEmpty else { return false }
        if !isAtRest { world.find("the cluster does not come to rest: \(whatIsUnderWay)") }
        return isAtRest
    }

    private var isQuiet: Bool {
        users.allSatisfy { !$0.isRunning } && collectors.allSatisfy { !$0.isRunning }
            && cluster.machines.allSatisfy(\.isUp) && cluster.network.clientMessages == 0
            && (cluster.coordinator?.isIdle ?? false) && areReplicasComplete
    }

    /// Looked at once a second, as that takes time.
    private var areReplicasComplete: Bool {
        guard cluster.options.replicas > 1 else { return true }
        guard world.now >= nextLook else { return false }
        nextLook = world.now + Self.second
        return cluster.isComplete
    }

    private var whatIsUnderWay: String {
        "\(users.count { $0.isRunning }) users, \(collectors.count { $0.isRunning }) collectors, "
            + "\(cluster.machines.count { !$0.isUp }) machines down, \(cluster.network.clientMessages) messages, "
            + "\(cluster.coordinator?.transactionCount ?? -1) transactions"
            + (cluster.isComplete ? "" : "; \(cluster.standing)")
    }

    private func checkAll() {
        check.run()
        if cluster.cores.count < cluster.watch.shards.count { world.find("there are shards that nobody has whole") }
        guard let coordinator = cluster.coordinator else { return world.find("the coordinator is down") }
        for violation in ClusterCheck.violations(cluster.cores, coordinator).sorted() { world.find(violation) }
    }

    /// Garbage collection takes away everything unfinished; no block is left that nobody refers to.
    private func clean() {
        guard world.findings.isEmpty else { return }
        for client in clients where client !== collectors[0].client { client.end() }
        // First let everything expire that has to, so that the collectors have something to do.
        rest(for: cluster.options.transientLifetime + BlockMachine.eraseDelay)
        let end = world.now + Self.cleaning
        while world.findings.isEmpty, world.now < end, transientCount > 0 { collect() }
        guard world.findings.isEmpty else { return }
        if transientCount > 0 { world.find("\(transientCount) transient files are left after garbage collection") }
        checkAll()
        checkBlocks()
    }

    /// Replicas tell each other that they are alive as long as they are up; so nobody is.
    private func rest(for nanoseconds: UInt64) {
        if cluster.options.replicas > 1 {
            for machine in cluster.replicaMachines { machine.crash(restartAfter: nanoseconds - 30 * Self.second) }
        }
        world.run(until: world.now + nanoseconds)
    }

    private func collect() {
        collectors[0].startRound()
        world.run(until: world.now + Self.healing) { [unowned self] in !collectors[0].isRunning }
        // Some of what it met may have to wait.
        world.run(until: world.now + 60 * Self.second)
    }

    /// Files that ought to go. One that was used while its shard's clock was a month ahead lives on until then.
    private var transientCount: Int {
        let latest = World.epoch + world.now + 86_400 * Self.second
        return cluster.cores.reduce(0) { count, core in
            count + CoreReader(core).transientFiles().count { $0.deadlineTime.nanoseconds < latest }
        }
    }

    private func checkBlocks() {
        var referenced: Set<BlockID> = []
        for core in cluster.cores {
            let reader = CoreReader(core)
            for file in reader.files() + reader.transientFiles().map(\.id) {
                referenced.formUnion(reader.blocks(of: file).map(\.blockId))
            }
        }
        let kept = cluster.blockServers.flatMap { $0.services.flatMap { $0.blocks.keys } }
        let orphans = Set(kept).subtracting(referenced)
        if !orphans.isEmpty { world.find("\(orphans.count) blocks are left that no file refers to") }
    }

    /// What is on the disks is everything.
    private func restartAll() {
        guard world.findings.isEmpty else { return }
        for machine in cluster.machines { machine.crash(restartAfter: Self.second) }
        world.run(until: world.now + 30 * Self.second)
        if world.findings.isEmpty, comesToRest() { checkAll() }
    }

    private func report(_ troubled: UInt64) -> Report {
        var report = Report(seed: seed)
        report.findings = world.findings
        report.trace = world.trace.lines
        report.faults = world.faults
        report.faults.refusedSyncs = cluster.machines.reduce(0) { $0 + $1.disk.directory.refusals }
        report.troubledNanoseconds = troubled
        report.simulatedNanoseconds = world.now
        report.events = world.eventCount
        report.succeeded = users.reduce(0) { $0 + $1.succeeded }
        report.refused = users.reduce(0) { $0 + $1.refused }
        report.digest = world.trace.digest
        return report
    }
}
