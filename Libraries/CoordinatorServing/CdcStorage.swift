import CLinux
import CoordinatorCore
import Daemon
import EventLoop
import Glibc
import Logging
import Metrics
import Protocol
import ReplicatedLog
import Store

/// The coordinator's log and state on disk: `DIR/log`, durable before anything follows from it, and `DIR/state`, which
/// is flushed now and then and otherwise made again from the log.
final class CdcStorage {
    private static let group = LogGroupID(rawValue: 0)
    private static let lookNanoseconds: UInt64 = 60_000_000_000

    let coordinator: Coordinator
    let log: HostedLog
    private let data: DataDirectory
    private let state: RocksStore
    private let host: LogHost
    private let loop: EventLoop
    private let logger: Logger
    private let work = WorkQueue(name: "cdc-state", threads: 1)
    private var flushed: LogIndex
    private var isFlushing = false
    private var snapshotUnderWay: UInt64?

    init(
        directory: String, on daemon: Daemon, coordinatorOptions: CoordinatorOptions, acceptsLostLogTail: Bool
    ) throws {
        loop = daemon.loop
        logger = daemon.logger
        var options = RocksOptions(writeAheadLog: false, memoryBudgetBytes: 24 << 20)
        options.openFiles = 64
        data = try DataDirectory(path: directory, reserveBytes: options.flushBytes)
        try data.requireRoom()
        state = try RocksStore(directory: directory + "/state", options: options)
        try data.removeUnfinishedSnapshots()
        let coordinator = try Coordinator(store: state, prefix: [], options: coordinatorOptions)
        self.coordinator = coordinator
        let applied = coordinator.appliedIndex
        flushed = applied
        let hasLog = applied > .zero && !Self.exists(directory + "/" + Self.snapshotMark)
        var logOptions = LogStoreOptions()
        logOptions.segmentBytes = 8 << 20
        logOptions.minimumFreeBytes = data.reserveBytes
        logOptions.acceptsLostTail = acceptsLostLogTail
        let store = try SegmentedLogStore(directory: directory + "/log", options: logOptions, mustExist: hasLog)
        for notice in store.notices { logger.warning("log: \(notice)") }
        // Collected first, a minute's entries at most: the store goes to the writer thread, the coordinator stays here.
        var entries: [(index: LogIndex, bytes: [UInt8])] = []
        let last = try store.replay(after: [Self.group: applied]) { _, index, bytes in
            entries.append((index, [UInt8](bytes)))
        }
        let alarm = FullDiskAlarm("cdc", logger: daemon.logger, counters: daemon.counters)
        host = try LogHost(store: store) { alarm.update($0) }
        for entry in entries { try coordinator.replay(entry.bytes, at: entry.index) }
        try data.sync()
        _ = unlink(directory + "/" + Self.snapshotMark)
        try data.keepReserve()
        let lane = host.lane { [loop] in loop.submit($0) }
        log = lane.open(Self.group, delivered: last[Self.group] ?? applied)
    }

    /// What the log has done, for whoever looks at the process.
    func export(to counters: Counters) {
        let host = host
        counters.gauge("log_syncs_total") { host.counters.syncs }
        counters.gauge("log_retained_bytes") { UInt64(clamping: host.retainedBytes) }
    }

    /// How much room the disk has.
    func room() throws(SystemError) -> DiskRoom { try data.room(isLogFull: host.shortage != nil) }

    private static func exists(_ path: String) -> Bool { access(path, F_OK) == 0 }
}

// Flushing the state, so that the log before it can go.
extension CdcStorage {
    /// Looks once a minute; `onFailure` hears of a disk that does not take the state any more.
    func startFlushing(_ onFailure: @escaping (any Error) -> Void) {
        loop.timer(afterNanoseconds: Self.lookNanoseconds, repeatingNanoseconds: Self.lookNanoseconds) { [weak self] in
            self?.flushIfUseful(onFailure)
        }
    }

    private func flushIfUseful(_ onFailure: @escaping (any Error) -> Void) {
        guard !isFlushing, coordinator.appliedIndex > flushed else { return }
        isFlushing = true
        let applied = coordinator.appliedIndex
        work.run(on: loop, { [data, state] in try data.withRoom { try state.flush() } }) { [self] result in
            isFlushing = false
            switch result {
            case .success(true): trim(applied)
            case .success(false): logger.error("no room to flush the state, the log keeps growing")
            case .failure(let error): onFailure(error)
            }
        }
    }

    private func trim(_ applied: LogIndex) {
        flushed = applied
        host.trim(through: [Self.group: applied])
    }

    /// Makes everything durable and lets go of the files.
    func close(_ done: @escaping ((any Error)?) -> Void) {
        let applied = coordinator.appliedIndex
        work.run(
            on: loop,
            { [data, state, host] in
                let hasRoom = try data.withRoom { try state.close() }
                if hasRoom { host.trim(through: [Self.group: applied]) }
                host.close()
                return hasRoom
            }
        ) { [logger] result in
            switch result {
            case .success(true): done(nil)
            case .success(false):
                logger.error("no room to flush the state; the next start replays the log instead")
                done(nil)
            case .failure(let error): done(error)
            }
        }
    }
}

// Snapshots (CDC_SNAPSHOT).
extension CdcStorage {
    /// Says that the state beside it came without its log.
    private static let snapshotMark = "from-snapshot"

    /// Copies the state to `DIR/snapshot-NUMBER`, which can serve as the data directory of a new coordinator. Done at
    /// once when there is one already. One at a time, as anybody may ask; whoever repeats the question hears nothing
    /// until it is done.
    func takeSnapshot(_ number: UInt64, _ done: @escaping ((any Error)?) -> Void) {
        if snapshotUnderWay == number { return }
        guard snapshotUnderWay == nil else { return done(SystemError("make two snapshots at a time", code: EBUSY)) }
        snapshotUnderWay = number
        work.run(on: loop, { [data, state] in try Self.copy(state, to: number, in: data) }) { [self] result in
            snapshotUnderWay = nil
            switch result {
            case .success: done(nil)
            case .failure(let error): done(error)
            }
        }
    }

    private static func copy(_ state: RocksStore, to number: UInt64, in data: DataDirectory) throws {
        try data.makeSnapshot(number) { directory in
            try state.checkpoint(at: directory + "/state")
            let mark = open(directory + "/" + snapshotMark, O_WRONLY | O_CREAT | O_CLOEXEC, 0o644)
            guard mark >= 0 else { throw SystemError.last("create \(snapshotMark)") }
            Glibc.close(mark)
        }
    }
}
