import Consensus
import Protocol
import Replicas
import ReplicatedLog

/// One run of a few groups with several replicas each: the real replicas, logs and exchanges between them, a state
/// machine with registers, clients, trouble, healing, and what must be true then.
///
/// Everything follows from the seed. Confined to one thread at a time.
public final class GroupSimulation {
    private let seed: UInt64
    let world: World
    let options: GroupOptions
    let judge: GroupJudge
    private let network: Network
    private(set) var machines: [GroupMachine] = []
    private var clients: [GroupClient] = []
    /// Clients do nothing more.
    private(set) var isOver = false
    private var isCalm = false

    private static let second: UInt64 = 1_000_000_000
    /// Until all groups work again, and all their replicas agree.
    private static let healing = 60 * second

    /// - Parameter tracedEvents: how many of the last events to keep for the report; they cost time.
    public init(seed: UInt64, tracedEvents: Int = 0) {
        self.seed = seed
        world = World(seed: seed, tracedEvents: tracedEvents)
        options = GroupOptions(&world.random)
        judge = GroupJudge(world)
        network = Network(world)
        var log = LogOptions(&world.random).wide
        // What is on its way to a disk has its room there beside what was applied.
        log.settings.messageBytes = log.store.segmentBytes / 32
        log.settings.windowBytes = log.store.segmentBytes / 16
        machines = (0..<options.processes).map { GroupMachine($0, world, network, options, log, judge) }
        clients = (0..<options.clients).map { GroupClient($0, self) }
    }

    /// Carries the run out; it ends at the first thing found wrong.
    public func run() -> Report {
        // Clients do not hold it.
        withExtendedLifetime(self) { carryOut() }
    }

    private func carryOut() -> Report {
        for machine in machines { machine.start() }
        world.every(100_000_000...300_000_000) { [unowned self] in
            tend()
            return true
        }
        world.run(until: 5 * Self.second)
        startTrouble()
        for client in clients { client.start() }
        world.run(until: options.duration)
        let troubled = world.now
        heal()
        let report = report(troubled)
        for machine in machines { machine.end() }
        world.end()
        return report
    }

    /// Each process looks after the groups that it leads, as its loops do.
    private func tend() {
        for machine in machines where machine.isUp {
            let present = machines.compactMap(\.member).filter { $0 != machine.member }
            for replica in machine.replicas.values.sorted(by: { $0.id < $1.id }) {
                replica.prefer(options.prefersLeaders ? ReplicaSteward.preferredLeader(of: replica) : nil)
                if replica.serves { ReplicaSteward.tend(replica, present: present) }
            }
        }
    }

    // MARK: Trouble

    private func startTrouble() {
        network.weather = options.weather
        if options.killsWriting { for machine in machines { machine.diesStartingPerMille = 100 } }
        repeating(options.crashPause) { [unowned self] in crash() }
        repeating(options.partitionPause) { [unowned self] in partition() }
        repeating(options.slowDiskPause) { [unowned self] in slowDown() }
        repeating(options.refusedSyncPause) { [unowned self] in anyMachine.disk.directory.refusedSyncs = 1 }
        repeating(options.rotPause) { [unowned self] in
            if anyMachine.disk.rot(&world.random) { world.faults.rottenPlaces += 1 }
        }
        repeating(options.wipePause) { [unowned self] in wipe() }
        repeating(options.handOverPause) { [unowned self] in handOver() }
    }

    private var anyMachine: GroupMachine { world.random.pick(machines) }

    private func repeating(_ mean: UInt64?, _ body: @escaping () -> Void) {
        guard let mean else { return }
        world.every(mean / 4...mean * 7 / 4) { [unowned self] in
            if !isCalm { body() }
            return !isCalm
        }
    }

    private func crash() {
        let (machine, pause) = (anyMachine, world.random.spread(50_000_000...10 * Self.second))
        if options.killsWriting, world.random.perMille(500) {
            return machine.crash(atChange: Int.random(in: 0...20, using: &world.random), restartAfter: pause)
        }
        machine.crash(restartAfter: pause)
    }

    private func partition() {
        world.faults.partitions += 1
        let count = Int.random(in: 1...options.processes / 2, using: &world.random)
        network.isolate(Set(machines.shuffled(using: &world.random).prefix(count).map(\.id)))
        world.after(world.random.spread(100_000_000...8 * Self.second)) { [unowned self] in network.isolate([]) }
    }

    /// A process loses its disk. Of what only a majority has, none may lose another one before all have it again.
    private func wipe() {
        guard machines.allSatisfy(\.isUp), areComplete else { return }
        let machine = anyMachine
        world.note("\(machine.id) loses its disk")
        machine.crash(restartAfter: world.random.spread(50_000_000...5 * Self.second))
        do { try machine.disk.wipe() } catch { world.find("\(machine.id): \(error)") }
        world.faults.wipedDisks += 1
    }

    /// Whether all groups have all processes as voters, as they are now, and nothing is under way.
    private var areComplete: Bool {
        let members = Set(machines.compactMap(\.member))
        return machines[0].replicas.keys.allSatisfy { group in
            machines.compactMap { $0.replicas[group] }.contains { replica in
                replica.serves && replica.inFlightCount == 0
                    && members == Set(replica.configuration.voters.compactMap { replica.configuration.member(at: $0) })
            }
        }
    }

    private func slowDown() {
        world.faults.slowDisks += 1
        let machine = anyMachine
        machine.disk.syncTime = 50_000_000...2 * Self.second
        world.after(world.random.spread(Self.second...10 * Self.second)) {
            machine.disk.syncTime = SimulatedDisk.healthySyncTime
        }
    }

    private func handOver() {
        let leaders = machines.flatMap { $0.replicas.values.filter(\.serves).sorted { $0.id < $1.id } }
        guard !leaders.isEmpty,
            let slot = ReplicaSlot(rawValue: UInt8.random(in: 0..<UInt8(options.processes), using: &world.random))
        else { return }
        try? world.random.pick(leaders).handOver(to: slot)
    }

    // MARK: Healing

    private func heal() {
        isCalm = true
        network.weather = .calm
        network.isolate([])
        for machine in machines {
            machine.diesStartingPerMille = 0
            machine.disk.calmDown()
        }
        // Clients go on: what works is used.
        let before = succeeded
        world.run(until: world.now + Self.healing / 2)
        guard world.findings.isEmpty else { return }
        if succeeded < before + options.clients { world.find("after the trouble nothing works any more") }
        isOver = true
        world.run(until: world.now + Self.healing) { [unowned self] in isAtRest }
        guard world.findings.isEmpty else { return }
        guard isAtRest else { return world.find("the replicas do not come to rest: \(standing)") }
        for machine in machines {
            for (group, state) in machine.registers { judge.rests(at: state.appliedIndex, in: group, machine.number) }
        }
    }

    private var succeeded: Int { clients.reduce(0) { $0 + $1.succeeded } }

    /// All processes have a voter in every group, and the same in it.
    private var isAtRest: Bool {
        guard machines.allSatisfy(\.isUp) else { return false }
        return machines[0].registers.keys.allSatisfy { group in
            let replicas = machines.compactMap { $0.replicas[group] }
            return Set(machines.map { $0.registers[group]?.appliedIndex }).count == 1
                && replicas.count { $0.serves } == 1
                && replicas.allSatisfy { $0.configuration.voters.count == options.processes && $0.inFlightCount == 0 }
        }
    }

    private var standing: String {
        machines.map { machine in
            let groups = machine.replicas.values.sorted { $0.id < $1.id }.map { replica in
                "\(replica.role) \(replica.term.rawValue) \(machine.registers[replica.id]?.appliedIndex ?? .zero)"
                    + " of \(replica.configuration.voters)"
            }
            return "\(machine.number) \(machine.isUp ? "is up" : "is down"): \(groups.joined(separator: ", "))"
        }.joined(separator: "; ")
    }

    private func report(_ troubled: UInt64) -> Report {
        var report = Report(seed: seed)
        report.findings = world.findings
        report.trace = world.trace.lines
        report.faults = world.faults
        report.faults.refusedSyncs = machines.reduce(0) { $0 + $1.disk.directory.refusals }
        report.troubledNanoseconds = troubled
        report.simulatedNanoseconds = world.now
        report.events = world.eventCount
        report.succeeded = succeeded
        report.refused = clients.reduce(0) { $0 + $1.failed }
        report.digest = world.trace.digest
        return report
    }
}
