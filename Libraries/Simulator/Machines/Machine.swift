import Client
import Protocol
import ReplicatedLog

/// A process on a machine of its own: it has a disk and a clock, crashes, and starts again with what its disk kept.
class Machine {
    let id: MachineID
    let world: World
    let network: Network
    let disk = SimulatedDisk()
    /// How far the wall clock is off, nanoseconds.
    var clockOffset: Int64 = 0
    /// And how much further for a moment.
    var clockJump: Int64 = 0
    /// What this process knows of the registry's clock, and since when it runs.
    private var comparison = ClockComparison()
    private var started: UInt64 = 0
    private(set) var isUp = false
    /// Counts the starts; what an earlier process had in mind does not happen any more.
    private(set) var incarnation = 0

    init(_ id: MachineID, _ world: World, _ network: Network) {
        self.id = id
        self.world = world
        self.network = network
    }

    var wallClock: Timestamp {
        let time = Int64(World.epoch &+ world.now) &+ clockOffset &+ clockJump
        return Timestamp(nanoseconds: UInt64(max(time, 1)))
    }

    var knowsClock: Bool { comparison.isKnown }

    /// The wall clock, nil while it is not to be believed: what `ClusterClock` is to a service.
    var comparedClock: Timestamp? {
        let now = wallClock
        guard knowsClock else { return world.now - started >= 10_000_000_000 ? now : nil }
        return comparison.agrees(with: now, at: world.now) ? now : nil
    }

    func learnClock(_ time: Timestamp, sent: UInt64) { comparison.learn(time, sent: sent, received: world.now) }

    /// Reads the disk and begins to serve. Does nothing when it runs already.
    final func start() {
        guard !isUp else { return }
        isUp = true
        incarnation += 1
        (comparison, started, clockJump) = (ClockComparison(), world.now, 0)
        world.note("\(id) starts")
        do {
            try boot()
        } catch {
            if disk.isFull { return crash(restartAfter: 2_000_000_000) }
            world.find("\(id) cannot start: \(error)")
        }
    }

    /// Loses everything that is not on the disk, and part of what is not synced.
    final func crash(restartAfter pause: UInt64) {
        guard isUp else { return }
        isUp = false
        world.faults.crashes += 1
        world.note("\(id) crashes")
        halt()
        world.faults.tornWrites += disk.crash(&world.random)
        world.after(pause) { [self] in start() }
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

    /// A state machine or its log cannot go on. That is a defect: a full disk only delays.
    final func fail(_ error: any Error) { world.find("\(id) stops: \(error)") }

    /// The log as the disk has it, for the process that starts. As services do it asks for room first.
    final func logStore(_ options: LogOptions) throws(LogError) -> LogStoreWatch {
        guard !disk.isFull else { throw .noSpace("there is no room to start") }
        return LogStoreWatch(disk.log, of: id, largestWriteBytes: options.writeBytes, world)
    }

    /// The run is over: lets go of everything.
    final func end() {
        guard isUp else { return }
        isUp = false
        halt()
    }

    /// To be overridden: opens the state from the disk, attaches endpoints.
    func boot() throws {}

    /// To be overridden: drops everything volatile, detaches endpoints.
    func halt() {}
}
