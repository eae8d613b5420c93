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
        package let storage: ReplicaStorage
        /// Nil: this process has the only replicas.
        package let peers: ReplicaPeers?
        package let logger: Logger
        /// The state cannot be used, so the process cannot go on. Called on the loop.
        package let fail: (any Error) -> Void

        package init(
            storage: ReplicaStorage, peers: ReplicaPeers?, logger: Logger, fail: @escaping (any Error) -> Void
        ) {
            self.storage = storage
            self.peers = peers
            self.logger = logger
            self.fail = fail
        }
    }

    /// Makes the state of all groups durable and then calls what it is given, on any thread. Set before `start`.
    package var onFlush: ((@escaping @Sendable () -> Void) -> Void)?

    private let loop: EventLoop
    private let environment: Environment
    private let lane: LogLane
    private var stores: [GroupStore] = []
    private var groups: [LogGroupID] = []
    private var timers: [LoopTimer] = []
    /// Of whom it was said that they are not taken in.
    private var refused: Set<Member> = []
    private var isLeaving = false
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
    package init(on loop: EventLoop, _ environment: Environment) {
        self.loop = loop
        self.environment = environment
        lane = environment.storage.host.lane(LaneLoop(loop))
        lane.onFlush = { [unowned self] group in
            onFlush? { [lane] in loop.submit { lane.flushed(group) } }
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
        return environment.storage.open(group, state, on: lane, home: home)
    }

    /// From now on peers reach the groups. On the loop, when the callbacks of all replicas are set, and before they
    /// start: what they are told once must not be missed.
    package func start() {
        guard let exchange = environment.peers?.exchange else { return }
        for group in groups { exchange.add(group, on: lane) }
        repeating(Self.tickNanoseconds) { [unowned self] in lane.tick() }
        repeating(Self.careNanoseconds) { [unowned self] in care() }
    }

    /// Ends, before the loop does.
    package func stop() {
        for timer in timers { timer.cancel() }
        timers = []
    }

    private func repeating(_ nanoseconds: UInt64, _ body: @escaping () -> Void) {
        timers.append(loop.timer(afterNanoseconds: nanoseconds, repeatingNanoseconds: nanoseconds, body))
    }

    private func care() {
        guard let peers = environment.peers else { return }
        let present = peers.presence.members
        giveWayIfFull()
        lane.forEach { replica in
            peers.watch.note(replica.status.trouble, of: replica.id, at: loop.monotonicNanoseconds)
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
        let now = loop.monotonicNanoseconds
        guard lane.isFull, !isLeaving, now >= lastGaveWay + Self.giveWayNanoseconds else { return }
        lastGaveWay = now
        beginHandingOver()
    }

    // MARK: The end

    /// Lets other replicas lead, so that nobody has to wait for them to notice that this process is gone; `done` is
    /// called when nothing is led here any more, or nobody takes over.
    package func handOver(_ done: @escaping () -> Void) {
        guard environment.peers != nil else { return done() }
        isLeaving = true
        handOver(until: loop.monotonicNanoseconds + Self.handOverNanoseconds, done)
    }

    private func handOver(until deadline: UInt64, _ done: @escaping () -> Void) {
        guard beginHandingOver(), loop.monotonicNanoseconds < deadline else { return done() }
        loop.timer(afterNanoseconds: Self.lookNanoseconds) { [self] in handOver(until: deadline, done) }
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
