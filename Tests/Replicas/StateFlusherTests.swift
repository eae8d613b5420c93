import Consensus
import Logging
import Protocol
import Replicas
import ReplicatedLog
import Store
import TestLog
import Testing

/// When a state is flushed, and when its log goes: on time that the test has in hand.
@Suite struct StateFlusherTests {
    /// A process with one group, whose entries are keys of its state.
    private final class Process {
        static let group = LogGroupID(rawValue: 3)

        let disk: HandDrivenDisk
        let state: TestState
        let storage: ReplicaStorage
        let log: Replica
        private(set) var failures = 0
        private(set) var flusher: StateFlusher?
        var now: UInt64 = 1
        private var due: [(time: UInt64, body: () -> Void)] = []
        /// Work of the flusher that has not run yet, and what follows on it.
        private var works: [() -> Void] = []

        init(on disk: HandDrivenDisk = HandDrivenDisk(), keepsForPeers: Bool = false) throws {
            self.disk = disk
            let state = try TestState(disk.memory)
            self.state = state
            storage = try ReplicaStorage(disk, [Self.group: state]) { _, index, bytes in
                try state.apply([UInt8](bytes), at: index)
            }
            let lane = storage.host.lane(LaneLoop(now: { .zero }, wall: { 0 }, seed: { 1 }, resume: { $0() }))
            log = storage.open(Self.group, state, on: lane)
            log.onDelivery = { entry in
                do { try state.apply(entry.bytes, at: entry.index) } catch { Issue.record(error) }
            }
            log.start()
            disk.writer.run()
            let settings = StateFlusher.Settings(
                logBytes: 1000, intervalNanoseconds: 100_000_000_000, lookNanoseconds: 1_000_000_000,
                keepsForPeers: keepsForPeers)
            flusher = StateFlusher(
                storage, settings, environment, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() },
                applied: { [unowned self] in $0([Self.group: log.trimIndex]) },
                failed: { [unowned self] _ in failures += 1 })
        }

        private var environment: StateFlusher.Environment {
            StateFlusher.Environment(
                monotonic: { [unowned self] in now },
                later: { [unowned self] nanoseconds, body in due.append((now + nanoseconds, body)) },
                work: { [unowned self] work, done in works.append { done(Result { try work() }) } })
        }

        /// Has an entry of so many bytes applied.
        func propose(_ byte: UInt8, bytes: Int = 10) throws {
            _ = try log.propose([byte] + [UInt8](repeating: 0, count: bytes - 1))
            disk.writer.run()
        }

        /// Time goes on; works of the flusher wait for `work`.
        func pass(seconds: UInt64) {
            for _ in 0..<seconds {
                now += 1_000_000_000
                let ripe = due.filter { $0.time <= now }
                due.removeAll { $0.time <= now }
                for item in ripe { item.body() }
            }
        }

        func work() {
            let taken = works
            works = []
            for work in taken { work() }
            disk.writer.run()
        }
    }

    @Test func aLogThatHasGrownIsLetGoOf() throws {
        let process = try Process()
        try process.propose(1)
        process.pass(seconds: 10)
        process.work()
        #expect(process.disk.flushes == 0)
        try process.propose(2, bytes: 1000)
        process.pass(seconds: 1)
        let retained = process.storage.host.retainedBytes
        // What comes while the state is being flushed stays in the log.
        try process.propose(3)
        #expect(process.storage.host.retainedBytes > retained)
        process.work()
        #expect(process.disk.flushes == 1)
        #expect(process.storage.host.retainedBytes < 100)
        process.disk.memory.crash(surviving: 0)
        let next = try Process(on: process.disk)
        #expect(try next.state.appliedCommands().map { $0[0] } == [1, 2, 3])
        #expect(next.disk.mustExist == true)
    }

    @Test func whatIsOldIsFlushedAndNothingTwice() throws {
        let process = try Process()
        try process.propose(1)
        process.pass(seconds: 99)
        process.work()
        #expect(process.disk.flushes == 0)
        process.pass(seconds: 1)
        process.work()
        #expect(process.disk.flushes == 1)
        process.pass(seconds: 1000)
        process.work()
        #expect(process.disk.flushes == 1)
        process.flusher?.flush {}
        #expect(process.disk.flushes == 1)
    }

    @Test func aFullDiskIsTriedAgainAndKeepsTheLog() throws {
        let process = try Process()
        process.disk.hasRoom = false
        try process.propose(1, bytes: 1000)
        process.pass(seconds: 1)
        process.work()
        let retained = process.storage.host.retainedBytes
        #expect(retained >= 1000 && process.disk.flushes == 1)
        process.pass(seconds: 29)
        process.work()
        #expect(process.disk.flushes == 1)
        process.disk.hasRoom = true
        process.pass(seconds: 1)
        process.work()
        #expect(process.disk.flushes == 2 && process.storage.host.retainedBytes == 0)
        #expect(process.failures == 0)
    }

    /// What is new since the flush before is kept; it does not bring the next flush nearer.
    @Test func peersThatWereAwayFindEntries() throws {
        let process = try Process(keepsForPeers: true)
        var retained: [Int] = []
        for byte in 1...4 as ClosedRange<UInt8> {
            try process.propose(byte, bytes: 1000)
            process.pass(seconds: 1)
            process.work()
            process.pass(seconds: 1)
            process.work()
            retained.append(process.storage.host.retainedBytes)
            #expect(process.disk.flushes == Int(byte))
        }
        // The log in memory counts what it let go of roughly.
        #expect(retained.allSatisfy { (500..<1500).contains($0) }, "\(retained)")
    }

    /// What a flush that is under way may have missed needs another one.
    @Test func whatIsToBeDurableNowIsFlushedAfterwards() throws {
        let process = try Process()
        try process.propose(1)
        var done: [Int] = []
        process.flusher?.makeDurable { done.append(1) }
        process.flusher?.makeDurable { done.append(2) }
        #expect(done.isEmpty)
        process.work()
        #expect(done == [1] && process.disk.flushes == 1)
        process.work()
        #expect(done == [1, 2] && process.disk.flushes == 2)
    }

    @Test func itIsDurableOnceThereIsRoom() throws {
        let process = try Process()
        process.disk.hasRoom = false
        var isDone = false
        process.flusher?.makeDurable { isDone = true }
        process.work()
        process.pass(seconds: 29)
        process.work()
        #expect(!isDone && process.disk.flushes == 1)
        process.disk.hasRoom = true
        process.pass(seconds: 1)
        process.work()
        #expect(isDone && process.disk.flushes == 2)
    }

    @Test func anErrorEndsTheProcessAndKeepsTheLog() throws {
        let process = try Process()
        process.disk.failure = .inputOutput("test")
        try process.propose(1, bytes: 1000)
        process.pass(seconds: 1)
        process.work()
        #expect(process.failures == 1 && process.storage.host.retainedBytes >= 1000)
        process.disk.memory.crash(surviving: 0)
        process.disk.failure = nil
        #expect(try Process(on: process.disk).state.appliedCommands().count == 1)
    }

    @Test func whoIsStoppedLooksNoMore() throws {
        let process = try Process()
        process.flusher?.stop()
        try process.propose(1, bytes: 1000)
        process.pass(seconds: 200)
        process.work()
        #expect(process.disk.flushes == 0)
        // But when somebody asks; and it is said whether or not there is anything to do.
        var answers = 0
        process.flusher?.flush { answers += 1 }
        process.flusher?.flush { answers += 1 }
        #expect(answers == 1)
        process.work()
        #expect(answers == 2 && process.disk.flushes == 1)
    }
}
