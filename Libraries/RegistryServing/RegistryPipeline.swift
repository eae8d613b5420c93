import Consensus
import Daemon
import Metrics
import Mutations
import Protocol
import RegistryCore
import Replicas
import ReplicatedLog

/// The registry between those who ask and its log: reads are answered from the applied state, writes go through the log
/// and are answered when their last entry has been applied. Only the replica that leads answers.
///
/// Knows neither sockets nor threads: the service has it behind connections, the simulator behind its network. Belongs
/// to the loop of its log.
package final class RegistryPipeline {
    /// What the registry needs of the process around it.
    package struct Environment {
        /// What the machine's clock says.
        package let wall: () -> Timestamp
        /// Nanoseconds since the machine started, those included in which it was suspended.
        package let boot: () -> UInt64
        /// Nanoseconds of a clock that never goes back.
        package let monotonic: () -> UInt64
        /// Calls back after so many nanoseconds.
        package let later: (UInt64, @escaping () -> Void) -> Void
        /// The machine's clock was set by so many seconds, which is not followed yet; 0: it is followed again.
        package let clockIsDisputed: (Int64) -> Void
        /// The registry cannot go on, so neither can the process.
        package let fail: (any Error) -> Void
        /// Of applied entries.
        package let entries: Counter

        package init(
            wall: @escaping () -> Timestamp, boot: @escaping () -> UInt64, monotonic: @escaping () -> UInt64,
            later: @escaping (UInt64, @escaping () -> Void) -> Void,
            clockIsDisputed: @escaping (Int64) -> Void, fail: @escaping (any Error) -> Void, entries: Counter
        ) {
            self.wall = wall
            self.boot = boot
            self.monotonic = monotonic
            self.later = later
            self.clockIsDisputed = clockIsDisputed
            self.fail = fail
            self.entries = entries
        }
    }

    /// Called once; nil when there is no answer to give now, upon which the client's connection closes.
    package typealias Answer = (RegistryCore.Reply?) -> Void

    /// A request whose entries are in the log.
    private final class Pending {
        let answer: Answer
        let last: LogIndex
        var refusal: ProtocolError?

        init(last: LogIndex, _ answer: @escaping Answer) {
            self.last = last
            self.answer = answer
        }
    }

    /// Another one takes its place when a snapshot takes its state's.
    package private(set) var core: RegistryCore
    let log: Replica
    let environment: Environment
    private var pending: [LogIndex: Pending] = [:]
    /// Who waits for a read until it is known that no other replica leads, and how many ever did.
    var reads: [UInt64: Answer] = [:]
    var readCount: UInt64 = 0
    /// Requests that came before this replica served.
    var waiting: [Waiting] = []
    private var hasFailed = false
    private var isStopping = false
    private var disks = MetadataDisks()
    private var troubles = GroupTroubles()
    private var clock = SteadyClock()
    private var isClockDisputed = false

    /// Called each time it begins to lead.
    package var onServing: (() -> Void)?
    /// Called when another replica is known to lead.
    package var onFollowing: (() -> Void)?
    /// Called with requests for whoever leads elsewhere; nil: they are not answered.
    package var onElsewhere: ((AnyRegistryRequest, ReplicaSlot, @escaping Answer) -> Void)?
    /// Called when it is another replica than before that leads, or none.
    package var onLeaderChange: (() -> Void)?
    /// Called after each entry.
    package var onApply: ((LogEntry) -> Void)?

    /// - Parameters:
    ///   - core: with everything applied that the log has.
    ///   - log: the registry's group, opened behind that.
    package init(_ core: RegistryCore, log: Replica, _ environment: Environment) {
        self.core = core
        self.log = log
        self.environment = environment
        log.onDelivery = { [unowned self] in deliver($0) }
        log.onStop = { [unowned self] in stop($0) }
        log.onServing = { [unowned self] in serve() }
        log.onSteppingDown = { [unowned self] in stepDown() }
        log.onReplaced = { [unowned self] in replace($0) }
        log.onFollowing = { [unowned self] in
            onLeaderChange?()
            handleWaiting()
            onFollowing?()
        }
    }

    /// Begins to take part in the registry's group, and to answer whenever this replica leads it.
    package func begin() { log.start() }

    /// Whether it leads and can go on.
    package var leads: Bool { !hasFailed && log.serves }

    private func serve() {
        onLeaderChange?()
        handleWaiting()
        onServing?()
    }

    /// Who reports a full disk or a group in trouble tells the next leader.
    private func stepDown() {
        core.stepDown()
        disks = MetadataDisks()
        troubles = GroupTroubles()
        letGo()
    }

    private func replace(_ state: any ReplicatedState) {
        guard let core = state as? RegistryCore else {
            preconditionFailure("the registry's state is opened as something else")
        }
        self.core = core
    }

    /// Everybody goes by it.
    var now: Timestamp {
        let time = clock.time(wall: environment.wall(), boot: environment.boot())
        let seconds = clock.disputedSeconds
        if (seconds != 0) != isClockDisputed {
            isClockDisputed.toggle()
            environment.clockIsDisputed(seconds)
        }
        return time
    }

    /// Answers `request`, possibly before this returns.
    ///
    /// - Parameter isPassedOn: it has come to another replica, which took this one for the leader.
    package func handle(_ request: AnyRegistryRequest, isPassedOn: Bool = false, _ answer: @escaping Answer) {
        guard !hasFailed else { return answer(nil) }
        if case .registryReplicaStatus = request {
            let response = RegistryReplicaStatusResponse(status: log.status)
            return answer(.success(.registryReplicaStatus(response)))
        }
        switch log.route(isPassedOn: isPassedOn) {
        case .here: work(on: request, answer)
        case .passedOn(let leader): if let onElsewhere { onElsewhere(request, leader, answer) } else { answer(nil) }
        case .nowhere: waitForALeader(Waiting(request: request, isPassedOn: isPassedOn, answer: answer))
        }
    }

    private func work(on request: AnyRegistryRequest, _ answer: @escaping Answer) {
        if case .reportMetadataDisk(let report) = request {
            disks.report(report, at: environment.monotonic())
            return answer(.success(.reportMetadataDisk(ReportMetadataDiskResponse())))
        }
        if case .registrySteer(let request) = request {
            let outcome = ReplicaSteward.steer(log, request.steering, request.replica)
            return answer(.success(.registrySteer(RegistrySteerResponse(outcome: outcome))))
        }
        if case .reportGroups(let report) = request {
            troubles.report(report, at: environment.monotonic())
            return answer(.success(.reportGroups(ReportGroupsResponse())))
        }
        guard request.kind.isLogged else { return read(request, answer) }
        do throws(ProtocolError) {
            propose(try core.prepare(request, at: now), answer)
        } catch {
            answer(.failure(error))
        }
    }

    /// What is to be done every few seconds: marks silent block services, deals out disks anew when due.
    package func tick() {
        guard leads else { return }
        do throws(ProtocolError) {
            if let entry = try core.prepareStalenessTick(at: now) { propose([entry]) { _ in } }
        } catch {
            stop(.corruption("no time is left for another log entry: \(error)"))
        }
        core.refreshAssignment(at: now)
    }

    /// Records which block services hold files, at most 100 of them per call. May fail to, without further notice.
    func setHasFiles(_ changes: [HasFilesChange]) {
        guard leads else { return }
        do throws(ProtocolError) {
            propose([try core.prepareHasFiles(changes, at: now)]) { _ in }
        } catch {
            stop(.corruption("no time is left for another log entry: \(error)"))
        }
    }

    /// Every block service there is or was.
    func blockServices() -> [BlockServiceDeprecatedInfo] {
        core.allBlockServices()
    }

    /// What an operator should look after now. Of the cluster the leader tells, and each replica of its own disk and of
    /// the registry's group.
    package func alarms(needs: [PlacementNeed]) -> [RegistryAlarm] {
        let monotonic = environment.monotonic()
        return (leads ? core.alarms(needs: needs, at: now) : []) + disks.alarms(at: monotonic)
            + troubles.alarms(at: monotonic)
    }

    /// Whether the registry's own group is in trouble, as this replica sees it.
    func noteOwnGroup(_ groups: [TroubledGroup]) {
        troubles.report(.registry, groups, at: environment.monotonic())
    }

    /// How much room the registry's own disk has.
    func noteOwnDisk(_ room: DiskRoom) {
        disks.report(
            .registry, isFull: room.isFull, freeBytes: room.freeBytes, wantedBytes: room.wantedBytes,
            at: environment.monotonic())
    }

    /// What waits for room on a full disk is given up: the log is about to be closed.
    package func willClose() { isStopping = true }

    private func propose(_ entries: [[UInt8]], _ answer: @escaping Answer) {
        var indices: [LogIndex] = []
        do throws(ProposalRefusal) {
            for entry in entries { indices.append(try log.propose(entry)) }
        } catch {
            // What was proposed already takes place; registrations may be repeated.
            return answer(nil)
        }
        guard let last = indices.last else { return answer(nil) }
        let request = Pending(last: last, answer)
        for index in indices { pending[index] = request }
        guard Mutation.registryBelievesProposals.isPlanted else { return }
        for (index, entry) in zip(indices, entries) { deliver(LogEntry(index: index, bytes: entry)) }
    }

    private func deliver(_ entry: LogEntry) {
        guard !hasFailed else { return }
        if Mutation.registryBelievesProposals.isPlanted, entry.index <= core.appliedIndex { return }
        let reply: RegistryCore.Reply
        do throws(RegistryCoreError) {
            reply = try core.apply(entry.bytes, at: entry.index)
        } catch {
            hasFailed = true
            letGo()
            return environment.fail(error)
        }
        environment.entries.add()
        onApply?(entry)
        guard let request = pending.removeValue(forKey: entry.index) else { return }
        if case .failure(let error) = reply { request.refusal = request.refusal ?? error }
        guard entry.index == request.last else { return }
        request.answer(request.refusal.map(RegistryCore.Reply.failure) ?? reply)
    }

    private func stop(_ error: LogError) {
        guard !hasFailed else { return }
        hasFailed = true
        letGo()
        switch error {
        case .closed: break
        case .noSpace where isStopping: break
        default: environment.fail(error)
        }
    }

    /// Nobody knows what becomes of the requests in flight: their clients ask again.
    private func letGo() {
        let requests = pending.filter { $0.key == $0.value.last }.sorted { $0.key < $1.key }.map(\.value)
        pending = [:]
        let confirmation = RegistryCore.Reply.success(.registerBlockServices(RegisterBlockServicesResponse()))
        for request in requests { request.answer(Mutation.lostWritesAreConfirmed.isPlanted ? confirmation : nil) }
        letReadsGo()
        letWaitingGo()
    }
}
