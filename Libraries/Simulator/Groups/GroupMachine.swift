import Consensus
import Protocol
import Replicas
import ReplicatedLog
import Store

/// A process with a replica of every group: the real replicas, lanes, log and exchange, over simulated disks, clocks
/// and connections.
final class GroupMachine: Machine {
    let number: Int
    private let options: GroupOptions
    private let log: LogOptions
    private let judge: GroupJudge
    private var process: ProcessLog?
    private var peers: SimulatedPeers?
    private(set) var member: Member?
    private(set) var registers: [LogGroupID: GroupState] = [:]
    private var stores: [LogGroupID: GroupStore] = [:]
    private(set) var replicas: [LogGroupID: Replica] = [:]
    /// What is called when a command of this process is applied, or never.
    private var waiting: [LogGroupID: [LogIndex: (LogIndex?) -> Void]] = [:]

    private static let tick: UInt64 = 25_000_000
    private static let beat: UInt64 = 100_000_000
    private static let removal: UInt64 = 500_000_000

    init(
        _ number: Int, _ world: World, _ network: Network, _ options: GroupOptions, _ log: LogOptions,
        _ judge: GroupJudge
    ) {
        self.number = number
        self.options = options
        self.log = log
        self.judge = judge
        super.init(.replica(number), world, network)
        clock.driftPerMille = UInt64.random(in: 0...options.driftPerMille, using: &world.random)
    }

    private var groups: [LogGroupID] { (0..<UInt32(options.groups)).map(LogGroupID.init(rawValue:)) }

    // MARK: Life

    override func boot() throws {
        let disk = ProcessDisk(self, log)
        var states: [LogGroupID: GroupState] = [:]
        for group in groups {
            let store = try GroupStore(over: disk.state, prefix: GroupState.prefix(of: group))
            stores[group] = store
            states[group] = try makeState(store, group)
        }
        guard let slot = ReplicaSlot(rawValue: UInt8(number)) else { preconditionFailure("there is no slot \(number)") }
        // Founded once: what was there when the run began is never so again.
        let place = ReplicaPlace(slot: slot, founds: number == 0 && incarnation == 1)
        let storage = try ReplicaStorage(disk, states, place) { group, index, bytes in
            try states[group]?.apply([UInt8](bytes), at: index)
        }
        registers = states
        member = storage.member
        let process = ProcessLog(self, storage, on: disk, log)
        let peers = SimulatedPeers(self, storage.member, .shards, beat: Self.beat)
        (self.process, self.peers) = (process, peers)
        for group in groups { open(group, process, peers.exchange) }
        every(Self.tick...Self.tick + 1000) { process.tick() }
        every(Self.removal...Self.removal * 2) { [unowned self] in removeOutdated() }
        process.onFlush = { [unowned self] flushed in flusher?.makeDurable(flushed) }
        flusher = flushing(
            storage, log, pause: 1_000_000_000...20_000_000_000, look: 500_000_000,
            keepsForPeers: options.keepsForPeers
        ) {
            [unowned self] then in
            then(replicas.mapValues(\.trimIndex))
        }
        for replica in replicas.values.sorted(by: { $0.id < $1.id }) { replica.start() }
    }

    private func open(_ group: LogGroupID, _ process: ProcessLog, _ exchange: PeerExchange) {
        guard let state = registers[group], let store = stores[group] else { return }
        let home = StateHome(store) { [unowned self] in try makeState(store, group) }
        let replica = process.open(group, state, home)
        process.add(group, to: exchange)
        replica.onDelivery = { [unowned self] entry in deliver(entry, group) }
        replica.onReplaced = { [unowned self] state in replaced(state, group) }
        replica.onSteppingDown = { [unowned self] in giveUp(group) }
        replica.onStop = { [unowned self] error in logStopped(error) }
        process.watch(replica)
        replicas[group] = replica
    }

    private func makeState(_ store: GroupStore, _ group: LogGroupID) throws -> GroupState {
        try GroupState(store, group) { [judge, number] command, index, sum in
            judge.applied(command, at: index, sum, of: group, by: number)
        }
    }

    private func replaced(_ state: any ReplicatedState, _ group: LogGroupID) {
        guard let state = state as? GroupState else { return world.find("\(id) opens another state machine") }
        registers[group] = state
        judge.installed(state.appliedIndex, state.sum, of: group, by: number)
        world.note("\(id) has the state of \(group) as of \(state.appliedIndex)")
    }

    private func deliver(_ entry: LogEntry, _ group: LogGroupID) {
        do {
            try registers[group]?.apply(entry.bytes, at: entry.index)
        } catch {
            return fail(error)
        }
        waiting[group]?.removeValue(forKey: entry.index)?(entry.index)
    }

    private func giveUp(_ group: LogGroupID) {
        for (_, told) in (waiting.removeValue(forKey: group) ?? [:]).sorted(by: { $0.key < $1.key }) { told(nil) }
    }

    private func removeOutdated() {
        do {
            for group in groups { _ = try stores[group]?.removeOutdated(limit: 5) }
        } catch {
            fail(error)
        }
    }

    override func halt() {
        for group in groups { giveUp(group) }
        process?.end()
        process = nil
        peers?.end()
        peers = nil
        replicas = [:]
    }

    // MARK: Clients

    /// Has a command carried out; `told` is told where it is, or nothing if nobody knows.
    func propose(_ command: GroupState.Command, in group: LogGroupID, _ told: @escaping (LogIndex?) -> Void) {
        guard let replica = replicas[group], replica.serves else { return told(nil) }
        do throws(ProposalRefusal) {
            let index = try replica.propose(command.bytes)
            waiting[group, default: [:]][index] = told
        } catch {
            told(nil)
        }
    }

    /// Reads a register; `told` gets nothing if that cannot be done here.
    func read(_ key: UInt8, in group: LogGroupID, _ told: @escaping ((value: UInt64, index: LogIndex)?) -> Void) {
        guard let replica = replicas[group], let state = registers[group] else { return told(nil) }
        let answer = { [unowned self] in
            do { told((try state.value(of: key), state.appliedIndex)) } catch { fail(error) }
        }
        if replica.mayReadNow { return answer() }
        do throws(ReadRefusal) { try replica.read(answer) } catch { told(nil) }
    }
}
