import Consensus
import Protocol

/// Carries a plan of trouble out, and ends it.
final class FaultInjector {
    private let cluster: SimulatedCluster
    private let clients: [SimulatedClient]
    private let plan: FaultPlan
    private let world: World
    private var isOver = false
    private var rottenSites: Set<ObjectIdentifier> = []

    private static let second = ClusterOptions.second
    /// No clock is off by more for long, nanoseconds. Where clocks are compared, more would be an outage.
    private var worstClock: Int64 { cluster.options.comparesClocks ? 25_000_000_000 : 300_000_000_000 }
    private static let worstClientClock: Int64 = 300_000_000_000

    init(_ cluster: SimulatedCluster, clients: [SimulatedClient], _ plan: FaultPlan) {
        self.cluster = cluster
        self.clients = clients
        self.plan = plan
        world = cluster.world
    }

    func start() {
        if plan.killsWriting { for machine in cluster.machines { machine.diesStartingPerMille = 100 } }
        changeWeather()
        repeating(30 * Self.second) { [self] in changeWeather() }
        if let pause = plan.crashPause { repeating(pause) { [self] in crash() } }
        if let pause = plan.partitionPause { repeating(pause) { [self] in partition() } }
        if let pause = plan.movePause { repeating(pause) { [self] in move() } }
        if let pause = plan.clockPause { repeating(pause) { [self] in stepClock() } }
        if let pause = plan.clockJumpPause { repeating(pause) { [self] in jumpClock() } }
        if let pause = plan.slowDiskPause { repeating(pause) { [self] in slowDisk() } }
        if let pause = plan.fullDiskPause { repeating(pause) { [self] in fillDisk() } }
        if let pause = plan.strayPause { repeating(pause) { [self] in stray() } }
        if let pause = plan.refusedSyncPause { repeating(pause) { [self] in refuseSync() } }
        if let pause = plan.rotPause { repeating(pause) { [self] in rot() } }
        guard cluster.options.replicas > 1 else { return }
        if let pause = plan.wipePause { repeating(pause) { [self] in wipe() } }
        if let pause = plan.handOverPause { repeating(pause) { [self] in handOver() } }
    }

    /// No more trouble: machines that are down come back by themselves.
    func stop() {
        isOver = true
        cluster.network.weather = .calm
        cluster.network.isolate([])
        for machine in cluster.machines {
            machine.clock.offset = 0
            machine.clock.jump = 0
            machine.diesStartingPerMille = 0
            machine.disk.calmDown()
        }
        for client in clients { client.loop.clockOffset = 0 }
        world.note("the trouble is over")
    }

    private func repeating(_ mean: UInt64, _ body: @escaping () -> Void) {
        world.every(mean / 4...mean * 7 / 4) { [self] in
            guard !isOver else { return false }
            body()
            return true
        }
    }

    private func changeWeather() {
        func part(_ worst: Int) -> Int { worst == 0 ? 0 : Int.random(in: 0...worst, using: &world.random) }
        cluster.network.weather = Network.Weather(
            lossPerMille: part(plan.weather.lossPerMille), duplicationPerMille: part(plan.weather.duplicationPerMille),
            latenessPerMille: part(plan.weather.latenessPerMille), longestDelay: plan.weather.longestDelay)
    }

    private func crash() {
        // The coordinator and the shards are what this is about.
        let candidates = cluster.machines + cluster.shards + cluster.coordinators + cluster.coordinators
        let machine = world.random.pick(candidates)
        let pause = world.random.spread(50_000_000...20 * Self.second)
        if world.random.perMille(200) { return machine.stop(restartAfter: pause) }
        guard plan.killsWriting, world.random.perMille(600) else { return machine.crash(restartAfter: pause) }
        machine.crash(atChange: Int.random(in: 0...6, using: &world.random), restartAfter: pause)
    }

    /// A process listens elsewhere when it comes back; until the registry knows, and then until they ask it, clients
    /// send to where nobody is any more.
    private func move() {
        let machine: Machine =
            world.random.perMille(300) ? world.random.pick(cluster.coordinators) : world.random.pick(cluster.shards)
        world.faults.moves += 1
        machine.crash(restartAfter: world.random.spread(50_000_000...5 * Self.second))
        cluster.addresses.move(machine.id)
        world.note("\(machine.id) has moved")
    }

    /// The next one.
    private func refuseSync() {
        world.random.pick(logged).disk.directory.refusedSyncs = 1
    }

    private func rot() {
        let machine = world.random.pick(logged)
        // What only a majority has must not rot twice.
        guard rottenSites.insert(ObjectIdentifier(machine.site)).inserted, machine.disk.rot(&world.random) else {
            return
        }
        world.faults.rottenPlaces += 1
        world.note("the log of \(machine.id) has rotten")
    }

    /// Machines that have a log.
    private var logged: [ReplicaMachine] { cluster.replicaMachines }

    /// A process loses its disk. Of what only a majority has, none may lose another one before all have it again.
    private func wipe() {
        guard let site = cluster.completeSites.randomElement(using: &world.random) else { return }
        let machine = world.random.pick(site)
        world.note("\(machine.id) loses its disk")
        machine.crash(restartAfter: world.random.spread(50_000_000...5 * Self.second))
        do { try machine.disk.wipe() } catch { world.find("\(machine.id): \(error)") }
        if let machine = machine as? ShardMachine { machine.loseWhatIsKept() }
        world.faults.wipedDisks += 1
    }

    private func handOver() {
        let leaders = cluster.replicaMachines.flatMap { machine in
            machine.replicas.values.map(\.replica).filter(\.serves).sorted { $0.id < $1.id }
        }
        guard !leaders.isEmpty else { return }
        let slot = ReplicaSlot(rawValue: .random(in: 0..<UInt8(cluster.options.replicas), using: &world.random))
        if let slot { try? world.random.pick(leaders).handOver(to: slot) }
    }

    private func partition() {
        world.faults.partitions += 1
        let everyone = cluster.machines.map(\.id) + clients.map { MachineID.client($0.number) }
        let some = everyone.shuffled(using: &world.random).prefix(Int.random(in: 1...3, using: &world.random))
        cluster.network.isolate(Set(some))
        world.note("cut off: \(some.map(\.description).joined(separator: ", "))")
        world.after(world.random.spread(Self.second...30 * Self.second)) { [self] in cluster.network.isolate([]) }
    }

    private func stepClock() {
        world.faults.clockSteps += 1
        let size = Int64(world.random.spread(1_000_000...200 * Self.second))
        let step = world.random.perMille(500) ? size : -size
        func stepped(_ offset: Int64, _ worst: Int64) -> Int64 { min(max(offset + step, -worst), worst) }
        if world.random.perMille(200), !clients.isEmpty {
            let client = world.random.pick(clients)
            client.loop.clockOffset = stepped(client.loop.clockOffset, Self.worstClientClock)
        } else {
            let machine = world.random.pick(cluster.machines)
            machine.clock.offset = stepped(machine.clock.offset, worstClock)
            world.note("the clock of \(machine.id) is off by \(machine.clock.offset / 1_000_000) ms")
        }
    }

    /// For an operation or two.
    private func jumpClock() {
        let machine = world.random.pick((cluster.shards as [Machine]) + cluster.coordinators)
        guard machine.isUp else { return }
        world.faults.clockJumps += 1
        let day = 86_400 * Int64(Self.second)
        let jumps = cluster.options.comparesClocks ? [30 * day, day / 8, -30 * day] : [30 * day]
        machine.clock.jump = world.random.pick(jumps)
        world.note("the clock of \(machine.id) is off by \(machine.clock.jump / Int64(Self.second)) s for a moment")
        world.after(world.random.spread(50_000_000...3 * Self.second)) { machine.clock.jump = 0 }
    }

    private func slowDisk() {
        world.faults.slowDisks += 1
        let disk = world.random.pick(cluster.machines).disk
        disk.syncTime = 20_000_000...world.random.spread(50_000_000...3 * Self.second)
        world.after(world.random.spread(Self.second...30 * Self.second)) {
            disk.syncTime = SimulatedDisk.healthySyncTime
        }
    }

    /// A request that no user and no coordinator has sent.
    private func stray() {
        let shards = cluster.cores.map(\.shard)
        guard !shards.isEmpty else { return }
        world.faults.strays += 1
        let shard = world.random.pick(shards)
        if world.random.perMille(500) { closeNumbers(of: shard) } else { beginFile(in: shard) }
    }

    /// Somebody who knows the key, or a coordinator with a newer state, closes numbers of ours: some that are still to
    /// come, or all there are, which no shard may believe.
    private func closeNumbers(of shard: ShardID) {
        let through = world.random.perMille(500) ? 1 << 62 : UInt64.random(in: 1...1 << 44, using: &world.random)
        let close = AnyShardRequest.closeSequences(CloseSequencesRequest(through: through))
        cluster.network.send(
            Message(id: world.random.next(), isSigned: true, body: .shardRequest(close)), from: .coordinatorBack(0),
            to: .shard(shard, anySlot))
    }

    /// Somebody who waits for no answer begins a file that nobody will ever finish.
    private func beginFile(in shard: ShardID) {
        let begin = AnyShardRequest.constructFile(ConstructFileRequest(type: .file, note: Array("stray".utf8)))
        cluster.network.send(
            Message(id: 0, body: .shardRequest(begin)), from: .client(world.random.pick(clients).number),
            to: .shard(shard, anySlot))
    }

    private var anySlot: Int { .random(in: 0..<cluster.options.replicas, using: &world.random) }

    private func fillDisk() {
        world.faults.fullDisks += 1
        let machine = world.random.pick(cluster.machines)
        machine.disk.isFull = true
        world.note("the disk of \(machine.id) is full")
        world.after(world.random.spread(Self.second...20 * Self.second)) { machine.disk.isFull = false }
    }
}
