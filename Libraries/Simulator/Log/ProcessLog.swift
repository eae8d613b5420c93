import Protocol
import ReplicatedLog

/// The log of a simulated process, from its start to its end: the real host, lanes and groups, on virtual time.
final class ProcessLog {
    private unowned let machine: Machine
    private let store: LogStoreWatch
    private let host: LogHost
    private let loops: [SimulatedLoop]
    private let lanes: [LogLane]
    private var openedCount = 0
    private var isOver = false

    /// - Parameter store: of the process's own; replayed.
    init(_ machine: Machine, _ store: LogStoreWatch, _ options: LogOptions) throws(LogError) {
        self.machine = machine
        self.store = store
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

    /// A group whose state machine has everything up to `delivered`; `deliver` hears of what becomes final.
    func open(
        _ id: LogGroupID, delivered: LogIndex, _ limits: LogLimits, _ deliver: @escaping (LogEntry) -> Void
    ) -> HostedLog {
        store.open(id, at: delivered)
        let log = lanes[openedCount % lanes.count].open(id, delivered: delivered, limits: limits)
        openedCount += 1
        log.onDelivery = { [unowned self] entry in
            if !store.isDurable(entry.index, of: id) {
                machine.world.find("\(machine.id): entry \(entry.index) of \(id) is delivered before it is durable")
            }
            deliver(entry)
        }
        log.onStop = { [unowned self] error in
            if !isOver { machine.fail(error) }
        }
        return log
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
