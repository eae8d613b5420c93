import Daemon
import EventLoop
import Logging
import Protocol
import RegistryCore
import ReplicatedLog
import Store

/// The registry's two stores: the log makes every entry durable at once, the state is what they amount to, flushed now
/// and then. After a crash the state is the last flush plus a replay of the log.
final class RegistryStorage {
    static let group = LogGroupID(rawValue: 0)

    /// Flush at the latest when the log takes this many bytes, or after ten minutes.
    private static let flushAtLogBytes = 24 << 20
    private static let logSegmentBytes = 4 << 20
    private static let flushIntervalNanoseconds: UInt64 = 600 * 1_000_000_000

    let core: RegistryCore
    let log: HostedLog

    private let data: DataDirectory
    private let state: RocksStore
    private let host: LogHost
    private let loop: EventLoop
    private let logger: Logger
    private var flushedIndex: LogIndex
    private var lastFlush: UInt64
    private var isFlushing = false

    /// Opens (or creates) both in `directory` and replays the log. Blocks; for start-up.
    init(
        directory: String, configuration: RegistryConfiguration, acceptsLostLogTail: Bool, on daemon: Daemon
    ) throws {
        loop = daemon.loop
        logger = daemon.logger
        let stateOptions = RocksOptions(writeAheadLog: false, memoryBudgetBytes: 16 << 20)
        data = try DataDirectory(path: directory, reserveBytes: stateOptions.flushBytes)
        try data.requireRoom()
        state = try RocksStore(directory: directory + "/state", options: stateOptions)
        let core = try RegistryCore(store: state, prefix: [], configuration: configuration)
        flushedIndex = core.appliedIndex
        var options = LogStoreOptions()
        options.segmentBytes = Self.logSegmentBytes
        options.minimumFreeBytes = data.reserveBytes
        options.acceptsLostTail = acceptsLostLogTail
        let store = try SegmentedLogStore(
            directory: directory + "/log", options: options, mustExist: core.appliedIndex > .zero)
        for notice in store.notices { logger.warning("log: \(notice)") }
        try data.sync()
        // Collected first (some megabytes, unless storing failed): the store goes to the writer thread, the core stays here.
        var entries: [(index: LogIndex, bytes: [UInt8])] = []
        let last = try store.replay(after: [Self.group: core.appliedIndex]) { _, index, bytes in
            entries.append((index, [UInt8](bytes)))
        }
        let alarm = FullDiskAlarm("registry", logger: daemon.logger, counters: daemon.counters)
        host = try LogHost(store: store) { alarm.update($0) }
        for entry in entries { try core.apply(entry.bytes, at: entry.index) }
        let lane = host.lane { [loop] in loop.submit($0) }
        log = lane.open(Self.group, delivered: last[Self.group] ?? .zero)
        self.core = core
        try data.keepReserve()
        lastFlush = loop.monotonicNanoseconds
    }

    /// Changes wait for room on the disk.
    var isFull: Bool { host.shortage != nil }

    func room() throws(SystemError) -> DiskRoom { try data.room(isLogFull: isFull) }

    /// Flushes the state and lets the log go that it replaces, when that is due.
    func flushIfDue(_ failed: @escaping (any Error) -> Void) {
        let isOld = loop.monotonicNanoseconds - lastFlush >= Self.flushIntervalNanoseconds
        guard !isFlushing, core.appliedIndex > flushedIndex, isOld || host.retainedBytes >= Self.flushAtLogBytes else {
            return
        }
        isFlushing = true
        let index = core.appliedIndex
        WorkQueue.shared.run(on: loop) { [data, state] in
            try data.withRoom { try state.flush() }
        } then: { [self] result in
            isFlushing = false
            lastFlush = loop.monotonicNanoseconds
            switch result {
            case .success(false):
                logger.error("no room to flush the state, the log keeps growing")
            case .success(true):
                flushedIndex = index
                host.trim(through: [Self.group: index])
            case .failure(let error): failed(error)
            }
        }
    }

    /// Makes durable what is in flight, flushes and closes; `done` comes when everything that became durable has been
    /// delivered.
    func close(_ done: @escaping ((any Error)?) -> Void) {
        // On another thread, as what comes from there is behind the deliveries that the writer thread has left for the
        // loop, and what the loop submits to itself is not.
        WorkQueue.shared.run(on: loop) { [host] in host.close() } then: { [self] _ in
            do {
                if try !data.withRoom({ try state.close() }) {
                    logger.error("no room to flush the state; the next start replays the log instead")
                }
                done(nil)
            } catch {
                done(error)
            }
        }
    }
}
