import Consensus
import Protocol
import Replicas
import ReplicatedLog

/// The log of a simulated process, from its start to its end: the real host, lanes and groups, on virtual time.
final class ProcessLog {
    private unowned let machine: Machine
    private let store: LogStoreWatch
    private let storage: ReplicaStorage
    private let loops: [SimulatedLoop]
    private let lanes: [LogLane]
    private var openedCount = 0
    private var isOver = false

    /// - Parameter disk: that it was opened on.
    init(_ machine: Machine, _ storage: ReplicaStorage, on disk: ProcessDisk, _ options: LogOptions) {
        guard let store = disk.log else { preconditionFailure("the storage is on another disk") }
        self.machine = machine
        self.store = store
        self.storage = storage
        let loops = (0..<options.lanes).map { _ in SimulatedLoop(machine.world) }
        self.loops = loops
        lanes = loops.map { loop in
            let lane = storage.host.lane(LaneLoop(loop, machine))
            lane.windowBytes = options.laneWindowBytes
            lane.onLack = { [unowned machine] group, peer in
                machine.world.find("\(machine.id) and \(peer) have no snapshot of \(group)")
            }
            lane.onTrouble = { [unowned machine] trouble in machine.world.note("\(machine.id): \(trouble)") }
            return lane
        }
    }

    /// A group's replica; to be watched once it is in use.
    func open(
        _ id: LogGroupID, _ state: any ReplicatedState, _ settings: Settings, _ home: StateHome? = nil
    ) -> Replica {
        store.open(id, at: state.appliedIndex)
        defer { openedCount += 1 }
        return storage.open(id, state, on: lanes[openedCount % lanes.count], home: home, settings: settings)
    }

    /// Has a group that was opened last exchange messages with its peers.
    func add(_ id: LogGroupID, to exchange: PeerExchange) {
        exchange.add(id, on: lanes[(openedCount - 1) % lanes.count])
    }

    /// What makes the state durable when a snapshot has taken its place; it calls back.
    func onFlush(_ flush: @escaping (_ flushed: @escaping () -> Void) -> Void) {
        for lane in lanes { lane.onFlush = { [unowned lane] group in flush { lane.flushed(group) } } }
    }

    /// Lets time pass for the groups.
    func tick() {
        for lane in lanes { lane.tick() }
    }

    /// Looks at all that is delivered, from between the log and its user.
    func watch(_ log: Replica) {
        let (id, deliver, stop) = (log.id, log.onDelivery, log.onStop)
        log.onDelivery = { [unowned self] entry in
            if !store.isDurable(entry.index, of: id) {
                machine.world.find("\(machine.id): entry \(entry.index) of \(id) is delivered before it is durable")
            }
            deliver?(entry)
        }
        // The first group that is stopped ends the process, and with it this.
        log.onStop = { [weak self] error in
            if let self, !isOver { stop?(error) }
        }
    }

    /// The process is gone: of what is under way nothing is written or heard of any more.
    func end() {
        isOver = true
        for loop in loops { loop.end() }
        store.cutOff()
        // Nothing but letting go: the real host, lanes and groups hold each other until they have failed.
        storage.host.close()
        for lane in lanes { lane.loopHasEnded() }
    }
}

extension LaneLoop {
    fileprivate init(_ loop: SimulatedLoop, _ machine: Machine) {
        let (world, clock) = (machine.world, machine.clock)
        self.init(
            now: { clock.boot }, wall: { clock.wall.nanoseconds }, seed: { world.random.next() },
            resume: { loop.submit($0) })
    }
}
