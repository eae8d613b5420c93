import CLinux
import CoordinatorCore
import Daemon
import EventLoop
import Glibc
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
    private let directory: String
    private let state: RocksStore
    private let host: LogHost
    private let loop: EventLoop
    private let work = WorkQueue(name: "cdc-state", threads: 1)
    private var flushed: LogIndex
    private var isFlushing = false

    init(directory: String, on loop: EventLoop, coordinatorOptions: CoordinatorOptions) throws {
        self.directory = directory
        self.loop = loop
        try Self.make(directory)
        var options = RocksOptions(writeAheadLog: false, memoryBudgetBytes: 24 << 20)
        options.openFiles = 64
        state = try RocksStore(directory: directory + "/state", options: options)
        let coordinator = try Coordinator(store: state, prefix: [], options: coordinatorOptions)
        self.coordinator = coordinator
        let applied = coordinator.appliedIndex
        flushed = applied
        let hasLog = applied > .zero && !Self.exists(directory + "/" + Self.snapshotMark)
        var logOptions = LogStoreOptions()
        logOptions.segmentBytes = 8 << 20
        let store = try SegmentedLogStore(directory: directory + "/log", options: logOptions, mustExist: hasLog)
        // Collected first, a minute's entries at most: the store goes to the writer thread, the coordinator stays here.
        var entries: [(index: LogIndex, bytes: [UInt8])] = []
        let last = try store.replay(after: [Self.group: applied]) { _, index, bytes in
            entries.append((index, [UInt8](bytes)))
        }
        host = try LogHost(store: store)
        for entry in entries { try coordinator.replay(entry.bytes, at: entry.index) }
        _ = unlink(directory + "/" + Self.snapshotMark)
        let lane = host.lane { loop.submit($0) }
        log = lane.open(Self.group, delivered: last[Self.group] ?? applied)
    }

    /// What the log has done, for whoever looks at the process.
    func export(to counters: Counters) {
        let host = host
        counters.gauge("log_syncs_total") { host.counters.syncs }
        counters.gauge("log_retained_bytes") { UInt64(clamping: host.retainedBytes) }
    }

    private static func make(_ directory: String) throws {
        if mkdir(directory, 0o755) != 0 && errno != EEXIST { throw SystemError.last("create \(directory)") }
    }

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
        work.run(on: loop, { [state] in try state.flush() }) { [self] result in
            isFlushing = false
            switch result {
            case .success: trim(applied)
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
            { [state, host] in
                try state.flush()
                host.trim(through: [Self.group: applied])
                host.close()
                try state.close()
            }
        ) { result in
            switch result {
            case .success: done(nil)
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
    /// once when there is one already.
    func takeSnapshot(_ number: UInt64, _ done: @escaping ((any Error)?) -> Void) {
        let final = "\(directory)/snapshot-\(number)"
        let temporary = "\(directory)/tmp-snapshot-\(number)"
        work.run(on: loop, { [state] in try Self.copy(state, final, temporary) }) { result in
            switch result {
            case .success: done(nil)
            case .failure(let error): done(error)
            }
        }
    }

    private static func copy(_ state: RocksStore, _ final: String, _ temporary: String) throws {
        if exists(final) { return try requireDirectory(final) }
        try removeLeftover(temporary)
        guard mkdir(temporary, 0o755) == 0 else { throw SystemError.last("create \(temporary)") }
        try state.checkpoint(at: temporary + "/state")
        let mark = open(temporary + "/" + snapshotMark, O_WRONLY | O_CREAT | O_CLOEXEC, 0o644)
        guard mark >= 0 else { throw SystemError.last("create \(snapshotMark)") }
        Glibc.close(mark)
        guard rename(temporary, final) == 0 else { throw SystemError.last("rename \(temporary) to \(final)") }
    }

    private static func requireDirectory(_ path: String) throws {
        var status = Glibc.stat()
        guard stat(path, &status) == 0 else { throw SystemError.last("look at \(path)") }
        guard status.st_mode & S_IFMT == S_IFDIR else { throw SystemError("\(path) is no directory", code: ENOTDIR) }
    }

    /// What a crash in the middle of an earlier snapshot left behind.
    private static func removeLeftover(_ path: String) throws {
        guard exists(path) else { return }
        for folder in [path + "/state", path] {
            guard let entries = opendir(folder) else { continue }
            while let entry = readdir(entries) {
                let name = withUnsafeBytes(of: entry.pointee.d_name) { bytes in
                    String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
                }
                if name != "." && name != ".." { unlink(folder + "/" + name) }
            }
            closedir(entries)
            rmdir(folder)
        }
        if exists(path) { throw SystemError("cannot remove \(path)", code: ENOTEMPTY) }
    }
}
