import Consensus
import Peers
import Protocol
import Replicas
import ReplicatedLog

/// A process with replicas of groups, of which there may be others in other processes.
class ReplicaMachine: Machine {
    let site: ReplicaSite
    /// Its place among the processes of the site.
    let slot: Int
    let options: ClusterOptions
    private let service: PeerService
    private let logOptions: LogOptions
    private(set) var log: ProcessLog?
    private var peers: SimulatedPeers?
    /// What it has of each group.
    private(set) var replicas: [LogGroupID: (replica: Replica, state: StoredGroup)] = [:]
    /// Called when it leads another group, or another one less.
    var onStanding: (() -> Void)?
    /// Called when its process is gone.
    var onHalt: (() -> Void)?
    /// How often that was so.
    private(set) var standingChanges = 0

    init(
        _ id: MachineID, _ service: PeerService, _ site: ReplicaSite, slot: Int, _ options: ClusterOptions,
        _ log: LogOptions, _ world: World, _ network: Network
    ) {
        self.service = service
        self.site = site
        self.slot = slot
        self.options = options
        logOptions = log
        super.init(id, world, network, registries: options.replicas)
        if !site.isAlone {
            clock.driftPerMille = UInt64.random(in: 0...options.driftPerMille, using: &world.random)
        }
    }

    /// Between its groups and their other replicas.
    final var exchange: PeerExchange? { peers?.exchange }

    // MARK: Life

    /// Opens the storage of a new process on its disk.
    /// - Parameter apply: gives a state machine a command that its state lacks.
    final func openStorage(
        _ states: [LogGroupID: (machine: any ReplicatedState, stored: StoredGroup)],
        apply: (LogGroupID, LogIndex, UnsafeRawBufferPointer) throws -> Void
    ) throws {
        let disk = ProcessDisk(self, logOptions)
        let storage = try ReplicaStorage(disk, states.mapValues(\.machine), site.place(of: slot)) {
            group, index, bytes in
            try apply(group, index, bytes)
            if let stored = states[group]?.stored { site.states.lookAgain(group, at: index, stored) }
        }
        site.isUp(storage.member)
        peers = site.isAlone ? nil : SimulatedPeers(self, storage.member, service, beat: logOptions.beat)
        let log = ProcessLog(
            self, storage, on: disk, logOptions, peers?.exchange
        ) { [site, slot] in site.others(than: slot) }
        log.onFlush = { [unowned self] flushed in flusher?.makeDurable(flushed) }
        self.log = log
        flusher = flushing(
            storage, logOptions, pause: options.flushPause, look: options.flushLook,
            keepsForPeers: options.keepsForPeers
        ) { [unowned self] then in then(replicas.mapValues(\.replica.trimIndex)) }
    }

    /// Opens its replica of a group; `watch` follows when it is in use.
    final func open(
        _ group: LogGroupID, _ machine: any ReplicatedState, _ stored: StoredGroup,
        reopen: @escaping () throws -> any ReplicatedState
    ) -> Replica? {
        guard let replica = log?.open(group, machine, StateHome(stored.store, open: reopen)) else { return nil }
        replicas[group] = (replica, stored)
        return replica
    }

    /// Looks at what a replica does, from between it and its user.
    final func watch(_ replica: Replica) {
        log?.watch(replica) { [unowned self] entry in
            site.delivered(entry, of: replica.id, by: id)
        } after: { [unowned self] in
            look(at: replica)
        }
        let (following, replaced) = (replica.onFollowing, replica.onReplaced)
        replica.onFollowing = { [unowned self] in
            following?()
            standingChanged()
        }
        replica.onReplaced = { [unowned self] state in
            replaced?(state)
            world.note("\(id) has the state of \(replica.id) as of \(state.appliedIndex)")
            look(at: replica, onlyAgain: false)
        }
    }

    /// Now and then in every replica, and where one has been looked at before.
    private func look(at replica: Replica) {
        if site.isAlone { return }
        look(at: replica, onlyAgain: replica.applied.rawValue % Self.lookEvery != 0)
    }

    private func look(at replica: Replica, onlyAgain: Bool) {
        guard let state = replicas[replica.id]?.state else { return }
        if onlyAgain { return site.states.lookAgain(replica.id, at: replica.applied, state) }
        site.states.look(replica.id, at: replica.applied, state)
    }

    private static let lookEvery: UInt64 = 64

    /// It leads a group from now on, or does not any more.
    final func standingChanged() {
        standingChanges += 1
        onStanding?()
    }

    final func leads(_ group: LogGroupID) {
        site.isServed(group)
        standingChanged()
    }

    /// What it is to a group, as far as clients are concerned.
    final func standing(in group: LogGroupID) -> GroupStanding {
        guard let replica = replicas[group]?.replica else { return .isUnknown }
        if replica.serves { return .leads(replica.term) }
        return replica.leader.map { $0 != replica.member } ?? false ? .isLedElsewhere : .isUnknown
    }

    override func halt() {
        lookAtAll()
        onHalt?()
        site.isDown(slot)
        log?.end()
        log = nil
        peers?.end()
        peers = nil
        replicas = [:]
    }

    /// Compares the states of all groups with what others have, or had.
    final func lookAtAll() {
        for (_, known) in replicas.sorted(by: { $0.key < $1.key }) { look(at: known.replica, onlyAgain: false) }
    }

    override func quit(_ done: @escaping () -> Void) {
        guard let log else { return done() }
        log.handOver { [self] in drain(done) }
    }

    /// To be overridden: takes no more requests, brings what is under way to an end, and calls back.
    func drain(_ done: @escaping () -> Void) { done() }
}
