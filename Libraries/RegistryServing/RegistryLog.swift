import Daemon
import EventLoop
import Logging
import Metrics
import Protocol
import RegistryCore
import ReplicatedLog

/// Requests on their way: reads are answered at once, writes go through the log and are answered when their last entry
/// has been applied.
final class RegistryLog {
    /// Called once; nil when there is no answer to give now, upon which the client's connection closes.
    typealias Answer = (RegistryCore.Reply?) -> Void

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

    private let core: RegistryCore
    private let log: HostedLog
    private let loop: EventLoop
    private let entries: Counter
    private let fail: (any Error) -> Void
    private var pending: [LogIndex: Pending] = [:]
    private var hasFailed = false
    private var isStopping = false
    private var disks = MetadataDisks()
    private let logger: Logger
    private var clock = SteadyClock()
    private var isClockDisputed = false

    /// - Parameter fail: the registry cannot go on.
    init(
        core: RegistryCore, log: HostedLog, loop: EventLoop, logger: Logger, counters: Counters,
        fail: @escaping (any Error) -> Void
    ) {
        self.core = core
        self.log = log
        self.loop = loop
        self.logger = logger
        self.fail = fail
        entries = counters.counter("registry_log_entries_total")
        log.onDelivery = { [unowned self] in deliver($0) }
        log.onStop = { [unowned self] in stop($0) }
    }

    /// Everybody goes by it.
    private var now: Timestamp {
        let time = clock.time(wall: Timestamp(nanoseconds: loop.wallClock()), boot: loop.bootNanoseconds)
        let seconds = clock.disputedSeconds
        if (seconds != 0) != isClockDisputed {
            isClockDisputed.toggle()
            report(seconds)
        }
        return time
    }

    private func report(_ seconds: Int64) {
        guard seconds != 0 else { return logger.notice("the clock is followed again") }
        let way = "\(seconds.magnitude) s \(seconds > 0 ? "forwards" : "back")"
        let minutes = SteadyClock.lastingNanoseconds / 60_000_000_000
        logger.error(
            """
            the clock was set \(way); that is followed in \(minutes) minutes, or after a restart, unless it is put \
            right
            """)
    }

    /// Answers `request`, possibly before this returns.
    func handle(_ request: AnyRegistryRequest, _ answer: @escaping Answer) {
        guard !hasFailed else { return answer(nil) }
        if case .reportMetadataDisk(let report) = request {
            disks.report(report, at: loop.monotonicNanoseconds)
            return answer(.success(.reportMetadataDisk(ReportMetadataDiskResponse())))
        }
        do throws(ProtocolError) {
            guard request.kind.isLogged else { return answer(.success(try core.read(request, at: now))) }
            propose(try core.prepare(request, at: now), answer)
        } catch {
            answer(.failure(error))
        }
    }

    /// What is to be done every few seconds: marks silent block services, deals out disks anew when due.
    func tick() {
        guard !hasFailed else { return }
        do throws(ProtocolError) {
            if let entry = try core.prepareStalenessTick(at: now) { propose([entry]) { _ in } }
        } catch {
            stop(.corruption("no time is left for another log entry: \(error)"))
        }
        core.refreshAssignment(at: now)
    }

    /// Records which block services hold files, at most 100 of them per call. May fail to, without further notice.
    func setHasFiles(_ changes: [HasFilesChange]) {
        guard !hasFailed else { return }
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

    /// What an operator should look after now.
    func alarms(needs: [PlacementNeed]) -> [RegistryAlarm] {
        core.alarms(needs: needs, at: now) + disks.alarms(at: loop.monotonicNanoseconds)
    }

    /// How much room the registry's own disk has.
    func noteOwnDisk(_ room: DiskRoom) {
        disks.report(
            .registry, isFull: room.isFull, freeBytes: room.freeBytes, wantedBytes: room.wantedBytes,
            at: loop.monotonicNanoseconds)
    }

    /// What waits for room on a full disk is given up: the log is about to be closed.
    func willClose() { isStopping = true }

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
    }

    private func deliver(_ entry: LogEntry) {
        guard !hasFailed else { return }
        let reply: RegistryCore.Reply
        do throws(RegistryCoreError) {
            reply = try core.apply(entry.bytes, at: entry.index)
        } catch {
            hasFailed = true
            dropPending()
            return fail(error)
        }
        entries.add()
        guard let request = pending.removeValue(forKey: entry.index) else { return }
        if case .failure(let error) = reply { request.refusal = request.refusal ?? error }
        guard entry.index == request.last else { return }
        request.answer(request.refusal.map(RegistryCore.Reply.failure) ?? reply)
    }

    private func stop(_ error: LogError) {
        guard !hasFailed else { return }
        hasFailed = true
        dropPending()
        switch error {
        case .closed: break
        case .noSpace where isStopping: break
        default: fail(error)
        }
    }

    /// Nobody knows what becomes of the requests in flight: their clients ask again.
    private func dropPending() {
        let requests = pending.filter { $0.key == $0.value.last }.values
        pending = [:]
        for request in requests { request.answer(nil) }
    }
}
