import Client
import Logging
import Protocol
import Replicas
import ReplicatedLog

/// A process on a machine of its own: it has a disk and a clock, crashes, and starts again with what its disk kept.
class Machine {
    let id: MachineID
    let world: World
    let network: Network
    let disk = SimulatedDisk()
    let clock: MachineClock
    /// What this process thinks of it.
    private(set) var clusterClock: ClusterClock
    let logger: Logger
    /// For whatever it wants to know of the registry.
    private(set) lazy var registry = RegistryLine(self, replicas: registries)
    private let registries: Int
    /// Of a process that has a state.
    var flusher: StateFlusher?
    private(set) var isUp = false
    /// It was told to stop.
    private var isQuitting = false
    /// How often one of the changes that starting makes to the disk is the process's last, in thousandths.
    var diesStartingPerMille = 0
    /// Counts the starts; what an earlier process had in mind does not happen any more.
    private(set) var incarnation = 0

    /// - Parameter registries: how many replicas the registry has.
    init(_ id: MachineID, _ world: World, _ network: Network, registries: Int = 1) {
        self.id = id
        self.registries = registries
        self.world = world
        self.network = network
        clock = MachineClock(world)
        clusterClock = clock.clusterClock()
        logger = Logger(label: "\(id)") { _ in FindingLogHandler(machine: id, world: world) }
        disk.directory.onKill = { [unowned self] in dieWriting() }
    }

    var wallClock: Timestamp { clock.wall }

    /// Has the registry asked for its time, if it tells it; otherwise the clock here is all there is.
    final func watchClock(_ options: ClusterOptions) -> ClockQuestions? {
        if options.comparesClocks { return ClockQuestions(self) }
        clusterClock.learnNothing()
        return nil
    }

    /// Reads the disk and begins to serve. Does nothing when it runs already.
    final func start() {
        guard !isUp else { return }
        isUp = true
        incarnation += 1
        isQuitting = false
        clock.jump = 0
        clusterClock = clock.clusterClock()
        world.note("\(id) starts")
        registry.start()
        if world.random.perMille(diesStartingPerMille) {
            disk.directory.changesLeft = Int.random(in: 0...12, using: &world.random)
        }
        do {
            try boot()
        } catch {
            if disk.directory.hasKilled { return }
            if disk.isFull || disk.hasRefused() { return crash(restartAfter: 2_000_000_000) }
            world.find("\(id) cannot start: \(error)")
        }
    }

    /// Loses everything that is not on the disk, and part of what is not synced.
    final func crash(restartAfter pause: UInt64) {
        guard isUp else { return }
        isUp = false
        world.faults.crashes += 1
        world.note("\(id) crashes")
        flusher = nil
        registry.end()
        halt()
        if disk.crash(&world.random) { world.faults.tornWrites += 1 }
        world.after(pause) { [self] in start() }
    }

    /// Ends in good order, as services do that are told to, and starts again.
    final func stop(restartAfter pause: UInt64) {
        guard isUp, !isQuitting else { return }
        isQuitting = true
        world.faults.stops += 1
        world.note("\(id) is told to stop")
        let mine = incarnation
        quit { [self] in
            guard isUp, incarnation == mine else { return }
            guard let flusher else { return crash(restartAfter: pause) }
            flusher.flush { [self] in
                if isUp, incarnation == mine { crash(restartAfter: pause) }
            }
        }
    }

    /// Lets the process die in the middle of one of its next changes to the disk, or when it makes none.
    final func crash(atChange number: Int, restartAfter pause: UInt64) {
        guard isUp else { return }
        disk.directory.changesLeft = number
        after(10_000_000_000) { [self] in crash(restartAfter: pause) }
    }

    private func dieWriting() {
        world.faults.killedWriting += 1
        world.note("\(id) dies before a change to its disk")
        world.after(0) { [self] in crash(restartAfter: world.random.spread(50_000_000...20_000_000_000)) }
    }

    /// Happens only if this process still runs then.
    final func after(_ delay: UInt64, _ body: @escaping () -> Void) {
        let mine = incarnation
        world.after(delay) { [self] in
            if isUp && incarnation == mine { body() }
        }
    }

    /// Again and again for as long as this process runs.
    final func every(_ pause: ClosedRange<UInt64>, _ body: @escaping () -> Void) {
        let mine = incarnation
        world.every(pause) { [self] in
            guard isUp && incarnation == mine else { return false }
            body()
            return true
        }
    }

    /// A state machine cannot go on, which is a defect.
    final func fail(_ error: any Error) { world.find("\(id) stops: \(error)") }

    /// The log cannot go on. When the disk is to blame the process ends, and is started again.
    final func logStopped(_ error: LogError) {
        guard disk.hasRefused() else { return fail(error) }
        crash(restartAfter: UInt64.random(in: 1_000_000_000...5_000_000_000, using: &world.random))
    }

    /// The run is over: lets go of everything.
    final func end() {
        guard isUp else { return }
        isUp = false
        flusher = nil
        registry.end()
        halt()
    }

    /// To be overridden: opens the state from the disk, attaches endpoints.
    func boot() throws {}

    /// To be overridden: takes no more requests, brings what is under way to an end, and calls back.
    func quit(_ done: @escaping () -> Void) { done() }

    /// To be overridden: drops everything volatile, detaches endpoints.
    func halt() {}
}
