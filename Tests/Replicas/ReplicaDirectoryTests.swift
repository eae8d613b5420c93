import Consensus
import Glibc
import Logging
import Protocol
import Replicas
import ReplicatedLog
import Store
import TestLog
import TestSupport
import Testing

private let group = LogGroupID(rawValue: 0)

/// State and log of a service on a real disk.
@Suite struct ReplicaDirectoryTests {
    private static let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

    private static func open(_ path: String) throws -> ReplicaDirectory {
        try ReplicaDirectory(
            path,
            ReplicaDirectory.Options(stateMemoryBytes: 8 << 20, logSegmentBytes: 1 << 20, acceptsLostLogTail: false),
            logger: logger)
    }

    /// A process that has opened what is there.
    private struct Process {
        let directory: ReplicaDirectory
        let storage: ReplicaStorage
        let state: TestState
        /// Commands that came from the log.
        let read: Int

        init(_ directory: ReplicaDirectory) throws {
            self.directory = directory
            let state = try TestState(directory.state)
            var read = 0
            storage = try ReplicaStorage(directory, [group: state]) { _, index, bytes in
                try state.apply([UInt8](bytes), at: index)
                read += 1
            }
            self.state = state
            self.read = read
        }

        var commands: Int { get throws { try state.appliedCommands().count } }

        /// Has so many commands applied, and closes the log.
        func append(_ count: Int) throws {
            let queue = LockedQueue()
            let replica = storage.open(group, state, on: storage.host.lane(queue.lane))
            replica.onDelivery = { entry in
                do { try state.apply(entry.bytes, at: entry.index) } catch { Issue.record(error) }
            }
            replica.start()
            try #require(queue.run { replica.serves })
            for _ in 0..<count { _ = try replica.propose([1]) }
            try #require(queue.run { replica.inFlightCount == 0 })
            storage.closeLog()
            try #require(queue.run { !replica.serves })
        }
    }

    @Test func whatWasClosedInGoodOrderNeedsNoLog() throws {
        let place = try TemporaryDirectory()
        for (before, more) in [(0, 3), (3, 2), (5, 0)] {
            let process = try Process(try Self.open(place.path + "/data"))
            #expect(try process.commands == before && process.read == 0)
            try process.append(more)
            try process.storage.closeState(Self.logger)
        }
    }

    @Test func aStateWithoutItsLogIsRefused() throws {
        let place = try TemporaryDirectory()
        let directory = try Self.open(place.path + "/data")
        let state = try TestState(directory.state)
        try state.apply([1], at: LogIndex(rawValue: 1))
        #expect(try directory.flush())
        #expect(throws: LogError.self) { try Process(directory) }
        // Snapshots of earlier versions say that there is none.
        let mark = place.path + "/data/from-snapshot"
        close(creat(mark, 0o644))
        let process = try Process(directory)
        #expect(try process.commands == 1 && access(mark, F_OK) != 0)
        process.storage.closeLog()
    }

    @Test func aSnapshotIsADirectoryOfItsOwn() throws {
        let place = try TemporaryDirectory()
        let process = try Process(try Self.open(place.path + "/data"))
        try process.append(4)
        try process.directory.makeSnapshot(7)
        try process.state.apply([1], at: process.state.appliedIndex.next)
        for (before, more) in [(4, 2), (6, 1)] {
            let copy = try Process(try Self.open(place.path + "/data/snapshot-7"))
            #expect(try copy.commands == before && copy.read == 0)
            try copy.append(more)
            try copy.storage.closeState(Self.logger)
        }
    }
}
