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
    private let keepers: [LaneKeeper]
    private let exchange: PeerExchange?
    private var openedCount = 0
    private var hasStarted = false
    private var isOver = false

    /// - Parameters:
    ///   - disk: that it was opened on.
    ///   - exchange: with the other processes that have replicas; nil: there are none.
    ///   - present: the other processes that are there.
    init(
        _ machine: Machine, _ storage: ReplicaStorage, on disk: ProcessDisk, _ options: LogOptions,
        _ exchange: PeerExchange? = nil, present: @escaping () -> [Member] = { [] }
    ) {
        guard let store = disk.log else { preconditionFailure("the storage is on another disk") }
        self.machine = machine
        self.store = store
        self.storage = storage
        self.exchange = exchange
        let loops = (0..<options.lanes).map { _ in SimulatedLoop(machine.world) }
        self.loops = loops
        keepers = loops.map { loop in
            var environment = LaneKeeper.Environment(
                storage: storage, exchange: exchange, present: present, lane: LaneLoop(loop, machine),
                monotonic: { [world = machine.world] in world.now },
                later: { [unowned machine] nanoseconds, body in machine.after(nanoseconds, body) },
                logger: machine.logger, fail: { [unowned machine] in machine.fail($0) })
            environment.settings = options.settings
            environment.slowness = options.slowness
            return LaneKeeper(environment)
        }
        for keeper in keepers {
            keeper.lane.windowBytes = options.laneWindowBytes
            keeper.lane.onLack = { [unowned machine] group, peer in
                machine.world.find("\(machine.id) and \(peer) have no snapshot of \(group)")
            }
            keeper.lane.onTrouble = { [unowned machine] trouble in machine.world.note("\(machine.id): \(trouble)") }
        }
    }

    /// A group's replica; to be watched once it is in use.
    func open(_ id: LogGroupID, _ state: any ReplicatedState, _ home: StateHome) -> Replica {
        store.open(id, at: state.appliedIndex)
        defer { openedCount += 1 }
        return keepers[openedCount % keepers.count].open(id, state, home)
    }

    /// Has a group that was opened last exchange messages with its peers.
    func add(_ id: LogGroupID, to exchange: PeerExchange) {
        exchange.add(id, on: keepers[(openedCount - 1) % keepers.count].lane)
    }

    /// From now on peers reach the groups that were opened.
    func start() {
        hasStarted = true
        for keeper in keepers { keeper.start() }
    }

    /// The same for one that was opened behind that.
    func startLast(_ id: LogGroupID) {
        if hasStarted, let exchange { add(id, to: exchange) }
    }

    /// Makes the state durable when a snapshot has taken its place; it calls back.
    var onFlush: ((@escaping @Sendable () -> Void) -> Void)? {
        get { keepers.first?.onFlush }
        set { for keeper in keepers { keeper.onFlush = newValue } }
    }

    /// Lets other processes lead, one lane after the other.
    func handOver(_ done: @escaping () -> Void) { handOver(keepers[...], done) }

    private func handOver(_ keepers: ArraySlice<LaneKeeper>, _ done: @escaping () -> Void) {
        guard let first = keepers.first else { return done() }
        first.handOver { [self] in handOver(keepers.dropFirst(), done) }
    }

    /// Lets time pass for the groups.
    func tick() {
        for keeper in keepers { keeper.lane.tick() }
    }

    /// Looks at all that is delivered, from between the log and its user.
    /// - Parameters:
    ///   - look: is shown each entry.
    ///   - after: is called when its user has it.
    func watch(
        _ log: Replica, look: @escaping (LogEntry) -> Void = { _ in }, after: @escaping () -> Void = {}
    ) {
        let (id, deliver, stop) = (log.id, log.onDelivery, log.onStop)
        log.onDelivery = { [unowned self] entry in
            if !store.isDurable(entry.index, of: id) {
                machine.world.find("\(machine.id): entry \(entry.index) of \(id) is delivered before it is durable")
            }
            look(entry)
            deliver?(entry)
            after()
        }
        // The first group that is stopped ends the process, and with it this.
        log.onStop = { [weak self] error in
            if let self, !isOver { stop?(error) }
        }
    }

    /// The process is gone: of what is under way nothing is written or heard of any more.
    func end() {
        isOver = true
        for keeper in keepers { keeper.stop() }
        for loop in loops { loop.end() }
        store.cutOff()
        // Nothing but letting go: the real host, lanes and groups hold each other until they have failed.
        storage.host.close()
        for keeper in keepers { keeper.lane.loopHasEnded() }
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
