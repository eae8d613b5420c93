import Protocol
import ReplicatedLog

/// The log of a simulated process, from its start to its end: the real host, lanes and groups, on virtual time.
final class ProcessLog {
    private unowned let machine: Machine
    private let store: LogStoreWatch
    private let host: LogHost
    private let loops: [SimulatedLoop]
    private let lanes: [LogLane]
    private let flushBytes: Int
    private var isFlushDue = false
    private var openedCount = 0
    private var isOver = false

    /// - Parameter store: of the process's own; replayed.
    init(_ machine: Machine, _ store: LogStoreWatch, _ options: LogOptions) throws(LogError) {
        self.machine = machine
        self.store = store
        flushBytes = options.flushBytes
        let host = try LogHost(store: store, on: SimulatedWriter(machine.world, machine.disk))
        self.host = host
        let loops = (0..<options.lanes).map { _ in SimulatedLoop(machine.world) }
        self.loops = loops
        lanes = loops.map { loop in
            let lane = host.lane { loop.submit($0) }
            lane.windowBytes = options.laneWindowBytes
            return lane
        }
    }

    /// A group whose state machine has everything up to `delivered`; to be watched once it is in use.
    func open(_ id: LogGroupID, delivered: LogIndex, _ limits: LogLimits) -> HostedLog {
        store.open(id, at: delivered)
        let log = lanes[openedCount % lanes.count].open(id, delivered: delivered, limits: limits)
        openedCount += 1
        return log
    }

    /// Looks at all that is delivered, from between the log and its user.
    func watch(_ log: HostedLog) {
        let (id, deliver, stop) = (log.id, log.onDelivery, log.onStop)
        log.onDelivery = { [unowned self] entry in
            if !store.isDurable(entry.index, of: id) {
                machine.world.find("\(machine.id): entry \(entry.index) of \(id) is delivered before it is durable")
            }
            deliver?(entry)
            flushIfLarge()
        }
        // The first group that is stopped ends the process, and with it this.
        log.onStop = { [weak self] error in
            if let self, !isOver { stop?(error) }
        }
    }

    /// The log has to let go of something before it is full.
    private func flushIfLarge() {
        guard !isFlushDue, host.retainedBytes >= flushBytes else { return }
        isFlushDue = true
        machine.after(machine.world.random.spread(10_000_000...2_000_000_000)) { [unowned self] in
            isFlushDue = false
            machine.flush()
        }
    }

    /// The state is durable up to these entries.
    func trim(through indices: [LogGroupID: LogIndex]) { host.trim(through: indices) }

    /// The process is gone: of what is under way nothing is written or heard of any more.
    func end() {
        isOver = true
        for loop in loops { loop.end() }
        store.cutOff()
        // Nothing but letting go: the real host, lanes and groups hold each other until they have failed.
        host.close()
    }
}
