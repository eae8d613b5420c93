import Glibc
import Logging
import Protocol
import Replicas
import ReplicatedLog
import Store
import TestSupport
import Testing

/// State and log of a service on a real disk.
@Suite struct ReplicaDirectoryTests {
    private static let group = LogGroupID(rawValue: 0)

    private static func open(_ path: String) throws -> ReplicaDirectory {
        try ReplicaDirectory(
            path,
            ReplicaDirectory.Options(stateMemoryBytes: 8 << 20, logSegmentBytes: 1 << 20, acceptsLostLogTail: false),
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    }

    /// Opens what is there; how many entries the state has afterwards, and how many came from the log.
    private static func storage(_ directory: ReplicaDirectory) throws -> (ReplicaStorage, applied: UInt64, read: Int) {
        let applied = LogIndex(rawValue: try directory.state.get([0]).map { UInt64($0[0]) } ?? 0)
        var read = 0
        let storage = try ReplicaStorage(directory, applied: [group: applied]) { _, index, _ in
            try put(index, directory)
            read += 1
        }
        return (storage, storage.last[group]?.rawValue ?? 0, read)
    }

    private static func put(_ index: LogIndex, _ directory: ReplicaDirectory) throws {
        var batch = WriteBatch()
        batch.put([0], [UInt8(index.rawValue)])
        try directory.state.write(batch, durable: false)
    }

    /// Writes entries up to `last` into the log, and applies them.
    private static func append(_ storage: ReplicaStorage, _ directory: ReplicaDirectory, through last: UInt64) throws {
        let log = storage.host.lane { $0() }.open(group, delivered: storage.last[group] ?? .zero)
        for _ in (storage.last[group]?.rawValue ?? 0)..<last { try put(log.propose([1]), directory) }
        storage.closeLog()
    }

    @Test func whatWasClosedInGoodOrderNeedsNoLog() throws {
        let place = try TemporaryDirectory()
        let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        for (before, after) in [(0, 3), (3, 5), (5, 5)] as [(UInt64, UInt64)] {
            let directory = try Self.open(place.path + "/data")
            let (storage, applied, read) = try Self.storage(directory)
            #expect(applied == before && read == 0)
            try Self.append(storage, directory, through: after)
            try storage.closeState(logger)
        }
    }

    @Test func aStateWithoutItsLogIsRefused() throws {
        let place = try TemporaryDirectory()
        let directory = try Self.open(place.path + "/data")
        try Self.put(LogIndex(rawValue: 2), directory)
        #expect(try directory.flush())
        #expect(throws: LogError.self) { try Self.storage(directory) }
        // Snapshots of earlier versions say that there is none.
        let mark = place.path + "/data/from-snapshot"
        close(creat(mark, 0o644))
        let (storage, applied, _) = try Self.storage(directory)
        #expect(applied == 2 && access(mark, F_OK) != 0)
        storage.closeLog()
    }

    @Test func aSnapshotIsADirectoryOfItsOwn() throws {
        let place = try TemporaryDirectory()
        let directory = try Self.open(place.path + "/data")
        let (storage, _, _) = try Self.storage(directory)
        try Self.append(storage, directory, through: 4)
        try directory.makeSnapshot(7)
        try Self.put(LogIndex(rawValue: 9), directory)
        let copy = try Self.open(place.path + "/data/snapshot-7")
        let (other, applied, read) = try Self.storage(copy)
        #expect(applied == 4 && read == 0)
        try Self.append(other, copy, through: 6)
    }
}
