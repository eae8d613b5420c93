import Consensus
import EventLoop
import Logging
import Protocol
import ReplicatedLog
import Store

/// Looks after the groups of one loop that have replicas in other processes: lets their time pass, takes in who has
/// come, makes states that came as a whole last, and hands over at the end. Where a process is alone it does nothing.
/// Confined to its loop.
package final class LaneKeeper {
    /// What it needs of the process.
    package struct Environment {
        package var storage: ReplicaStorage
        /// Between the groups and their other replicas; nil: there are none.
        package var exchange: PeerExchange?
        /// The processes of the others that are there.
        package var present: () -> [Member]
        package var lane: LaneLoop
        /// Nanoseconds of a clock that never goes back.
        package var monotonic: () -> UInt64
        /// Calls back on the loop after so many nanoseconds.
        package var later: (_ nanoseconds: UInt64, _ body: @escaping () -> Void) -> Void
        package var logger: Logger
        /// The state cannot be used, so the process cannot go on. Called on the loop.
        package var fail: (any Error) -> Void
        /// Where it is noted which groups are in trouble.
        package var watch: GroupWatch?
        package var settings = Settings()
        /// How many times slower everything is that happens by time.
        package var slowness: UInt64 = 1

        package init(
            storage: ReplicaStorage, exchange: PeerExchange?, present: @escaping () -> [Member], lane: LaneLoop,
            monotonic: @escaping () -> UInt64,
            later: @escaping (_ nanoseconds: UInt64, _ body: @escaping () -> Void) -> Void, logger: Logger,
            fail: @escaping (any Error) -> Void
        ) {
            self.storage = storage
            self.exchange = exchange
            self.present = present
            self.lane = lane
            self.monotonic = monotonic
            self.later = later
            self.logger = logger
            self.fail = fail
        }

        /// On a real loop.
        /// - Parameter peers: nil: this process has the only replicas.
        package init(
            on loop: EventLoop, storage: ReplicaStorage, peers: ReplicaPeers?, logger: Logger,
            fail: @escaping (any Error) -> Void
        ) {
            self.init(
                storage: storage, exchange: peers?.exchange, present: { peers?.presence.members ?? [] },
                lane: LaneLoop(loop), monotonic: { loop.monotonicNanoseconds },
                later: { nanoseconds, body in loop.timer(afterNanoseconds: nanoseconds, body) }, logger: logger,
                fail: fail)
            watch = peers?.watch
        }
    }

    /// Makes the state of all groups durable and then calls what it is given, on any thread. Set before `start`.
    package var onFlush: ((@escaping @Sendable () -> Void) -> Void)?

    package let lane: LogLane
    private let environment: Environment
    private var stores: [GroupStore] = []
    private var groups: [LogGroupID] = []
    /// Of whom it was said that they are not taken in.
    private var refused: Set<Member> = []
    private var isLeaving = false
    private var isStopped = false
    private var lastGaveWay: UInt64 = 0

    private static let tickNanoseconds: UInt64 = 50_000_000
    private static let careNanoseconds: UInt64 = 500_000_000
    /// Keys of a state that a snapshot has replaced, removed in one go.
    private static let removedKeys = 2000
    /// How long others may take to take over, when the process is about to end, and how often that is looked at.
    private static let handOverNanoseconds: UInt64 = 2_000_000_000
    private static let lookNanoseconds: UInt64 = 20_000_000
    /// How often groups are led elsewhere for want of room; all may have none.
    private static let giveWayNanoseconds: UInt64 = 10_000_000_000

    /// On the loop, or before it runs.
    package init(_ environment: Environment) {
        self.environment = environment
        lane = environment.storage.host.lane(environment.lane)
        lane.onFlush = { [unowned self] group in
            onFlush? { [lane, loop = environment.lane] in loop.resume { lane.flushed(group) } }
        }
        lane.onTrouble = { [logger = environment.logger] sentence in logger.error("\(sentence)") }
    }

    /// Opens this process's replica of a group.
    ///
    /// - Parameters:
    ///   - state: as it was brought up to the log.
    ///   - home: where that is, and how it is opened anew.
    package func open(_ group: LogGroupID, _ state: any ReplicatedState, _ home: StateHome) -> Replica {
        groups.append(group)
        stores.append(home.store)
        return environment.storage.open(group, state, on: lane, home: home, settings: environment.settings)
    }

    /// From now on peers reach the groups. On the loop, when the callbacks of all replicas are set, and before they
    /// start: what they are told once must not be missed.
    package func start() {
        guard let exchange = environment.exchange else { return }
        for group in groups { exchange.add(group, on: lane) }
        repeating(Self.tickNanoseconds) { $0.lane.tick() }
        repeating(Self.careNanoseconds) { $0.care() }
    }

    /// Ends, before the loop does.
    package func stop() { isStopped = true }

    private func repeating(_ nanoseconds: UInt64, _ body: @escaping (LaneKeeper) -> Void) {
        environment.later(nanoseconds * environment.slowness) { [weak self] in
            guard let self, !isStopped else { return }
            body(self)
            repeating(nanoseconds, body)
        }
    }

    private func care() {
        let present = environment.present()
        giveWayIfFull()
        lane.forEach { replica in
            environment.watch?.note(replica.status.trouble, of: replica.id, at: environment.monotonic())
            replica.prefer(isLeaving ? nil : ReplicaSteward.preferredLeader(of: replica))
            guard !isLeaving, replica.serves else { return }
            ReplicaSteward.tend(replica, present: present)
            report(present, expelledFrom: replica.configuration)
        }
        do {
            for store in stores { _ = try store.removeOutdated(limit: Self.removedKeys) }
        } catch {
            environment.fail(error)
        }
    }

    private func report(_ present: [Member], expelledFrom configuration: Configuration) {
        for member in present where configuration.expelled.contains(member.incarnation) {
            guard refused.insert(member).inserted else { continue }
            environment.logger.error(
                """
                the replica in slot \(member.slot.rawValue) has a disk from before the recovery and is not taken in: wipe \
                it, and start it again
                """)
        }
    }

    /// Whoever has no room takes nothing from clients; others may have some.
    private func giveWayIfFull() {
        let now = environment.monotonic()
        guard lane.isFull, !isLeaving, now >= lastGaveWay + Self.giveWayNanoseconds else { return }
        lastGaveWay = now
        beginHandingOver()
    }

    // MARK: The end

    /// Lets other replicas lead, so that nobody has to wait for them to notice that this process is gone; `done` is
    /// called when nothing is led here any more, or nobody takes over.
    package func handOver(_ done: @escaping () -> Void) {
        guard environment.exchange != nil else { return done() }
        isLeaving = true
        handOver(until: environment.monotonic() + Self.handOverNanoseconds, done)
    }

    private func handOver(until deadline: UInt64, _ done: @escaping () -> Void) {
        guard beginHandingOver(), environment.monotonic() < deadline else { return done() }
        environment.later(Self.lookNanoseconds) { [self] in handOver(until: deadline, done) }
    }

    /// Whether anything is led here for which there are others.
    @discardableResult
    private func beginHandingOver() -> Bool {
        var leads = false
        lane.forEach { replica in
            guard replica.role == .leader, replica.configuration.voters.count > 1 else { return }
            leads = true
            for slot in replica.configuration.voters where slot != replica.member.slot {
                // Without anybody who can take over, the others elect somebody when this one is gone.
                if (try? replica.handOver(to: slot)) != nil { return }
            }
        }
        return leads
    }
}
