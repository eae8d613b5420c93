import Daemon
import EventLoop
import Glibc
import Logging
import ReplicatedLog
import Store

/// `DIR/state` and `DIR/log` of a service, on a disk that others may fill.
package final class ReplicaDirectory: ReplicaDisk {
    /// What a service needs of them.
    package struct Options: Sendable {
        /// Of caches and buffers of the state.
        package var stateMemoryBytes: Int
        /// Files of the state that are open at a time; nil: all.
        package var openFiles: Int?
        package var logSegmentBytes: Int
        /// Goes on without the end of a log that cannot be judged.
        package var acceptsLostLogTail: Bool

        package init(
            stateMemoryBytes: Int, openFiles: Int? = nil, logSegmentBytes: Int = LogStoreOptions().segmentBytes,
            acceptsLostLogTail: Bool
        ) {
            self.stateMemoryBytes = stateMemoryBytes
            self.openFiles = openFiles
            self.logSegmentBytes = logSegmentBytes
            self.acceptsLostLogTail = acceptsLostLogTail
        }
    }

    private let data: DataDirectory
    private let database: RocksStore
    private let options: Options
    private let logger: Logger

    /// Says, in snapshots of the coordinator that earlier versions made, that the state came without its log.
    private static let snapshotMark = "from-snapshot"

    /// Opens the state or begins one. Blocks.
    package init(_ path: String, _ options: Options, logger: Logger) throws {
        var rocks = RocksOptions(writeAheadLog: false, memoryBudgetBytes: options.stateMemoryBytes)
        if let openFiles = options.openFiles { rocks.openFiles = openFiles }
        data = try DataDirectory(path: path, reserveBytes: rocks.flushBytes)
        try data.requireRoom()
        database = try RocksStore(directory: path + "/state", options: rocks)
        try data.removeUnfinishedSnapshots()
        self.options = options
        self.logger = logger
    }

    package var state: any OrderedStore { database }
    /// Bytes that caches and buffers of the state take.
    package var stateMemoryBytes: Int { database.memoryBytes }

    package func openLog(mustExist: Bool) throws -> any LogStore {
        let mark = data.path + "/" + Self.snapshotMark
        var log = LogStoreOptions()
        log.segmentBytes = options.logSegmentBytes
        log.minimumFreeBytes = data.reserveBytes
        log.acceptsLostTail = options.acceptsLostLogTail
        let store = try SegmentedLogStore(
            directory: data.path + "/log", options: log, mustExist: mustExist && access(mark, F_OK) != 0)
        for notice in store.notices { logger.warning("log: \(notice)") }
        try data.sync()
        // Left behind it would excuse a log that is lost later.
        guard unlink(mark) == 0 || errno == ENOENT else { throw SystemError.last("remove \(mark)") }
        return store
    }

    package func makeWriter() -> any WriterThread { SystemWriterThread() }

    package func opened() throws { try data.keepReserve() }

    package func flush() throws -> Bool { try data.withRoom { try database.flush() } }

    package func close() throws -> Bool { try data.withRoom { try database.close() } }

    /// How much room the disk has.
    /// - Parameter isLogFull: the log has found too little.
    package func room(isLogFull: Bool) throws(SystemError) -> DiskRoom { try data.room(isLogFull: isLogFull) }

    /// Copies the state to `DIR/snapshot-NUMBER`, a data directory of its own, unless that is there. One at a time.
    package func makeSnapshot(_ number: UInt64) throws {
        try data.makeSnapshot(number) { directory in
            try database.checkpoint(at: directory + "/state")
            // The state holds everything applied; its log begins empty.
            try SegmentedLogStore(directory: directory + "/log").close()
        }
    }
}
