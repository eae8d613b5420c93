import Consensus
import Glibc
import Protocol
import ReplicatedLog
import Synchronization
import TestLog
import TestSupport
import Testing

/// The driver: threads, lanes, group commit, failure.
@Suite(.timeLimit(.minutes(2)))
struct LogHostTests {
    private let id = LogGroupID(rawValue: 3)

    /// The only replica of a group, which applies what it is given.
    private func found(_ id: LogGroupID, on lane: LogLane) throws -> (replica: Replica, state: TestState) {
        let state = try TestState()
        let replica = lane.found(id, state)
        replica.onDelivery = { entry in
            do { try state.apply(entry.bytes, at: entry.index) } catch { Issue.record(error) }
        }
        replica.start()
        return (replica, state)
    }

    @Test func deliversEverythingInOrderAndGroupsSyncs() throws {
        let directory = try TemporaryDirectory("log")
        let host = try LogHost(store: try SegmentedLogStore(directory: directory.path + "/log"))
        let loop = LockedQueue()
        let lane = host.lane(loop.lane)
        let groups = try (0..<8).map { try found(LogGroupID(rawValue: UInt32($0)), on: lane) }
        #expect(loop.run { groups.allSatisfy(\.replica.serves) })
        let entries = host.counters.entries
        for number in 0..<2000 { _ = try groups[number % 8].replica.propose([1, 2, 3]) }
        #expect(loop.run { groups.allSatisfy { $0.replica.inFlightCount == 0 } })
        for group in groups { #expect(try group.state.appliedCommands().count == 250) }
        #expect(host.counters.entries == entries + 2000)
        #expect(host.counters.syncs < 100)  // all of them were proposed in one turn
        host.close()
        var stopped = 0
        for group in groups { group.replica.onStop = { _ in stopped += 1 } }
        #expect(loop.run { stopped == 8 })
        #expect(throws: ProposalRefusal.notLeader(leader: nil)) { try groups[0].replica.propose([1]) }

        let store = try SegmentedLogStore(directory: directory.path + "/log", mustExist: true)
        let states = try Dictionary(uniqueKeysWithValues: groups.map { ($0.replica.id, try TestState()) })
        let held = try store.replay(into: states, founders: { _ in Configuration() }) { group, index, bytes in
            try states[group]?.apply([UInt8](bytes), at: index)
        }
        #expect(held.isEmpty && states.values.allSatisfy { $0.appliedIndex.rawValue == 251 })
        #expect(try states.values.allSatisfy { try $0.appliedCommands() == Array(repeating: [1, 2, 3], count: 250) })
    }

    @Test func aFailedDiskStopsEveryGroupAndAcknowledgesNothing() throws {
        let memory = MemoryLogStore()
        let host = try LogHost(store: memory)
        let loop = LockedQueue()
        var stops: [LogError] = []
        let logs = try [id, LogGroupID(rawValue: 4)].map { try found($0, on: host.lane(loop.lane)).replica }
        #expect(loop.run { logs.allSatisfy(\.serves) })
        for log in logs {
            log.onDelivery = { _ in Issue.record("acknowledged without being durable") }
            log.onStop = { stops.append($0) }
        }
        memory.writeFault = .inputOutput("broken")
        _ = try logs[0].propose([1])
        #expect(loop.run { stops.count == 2 })
        #expect(stops == [.inputOutput("broken"), .inputOutput("broken")])
        #expect(throws: ProposalRefusal.notLeader(leader: nil)) { try logs[1].propose([1]) }
        let late = try found(LogGroupID(rawValue: 5), on: host.lane(loop.lane)).replica
        late.onStop = { stops.append($0) }
        #expect(loop.run { stops.count == 3 })
        #expect(!late.serves)
        host.close()
    }

    @Test("a full disk delays and loses nothing; what comes meanwhile is refused; closing does not wait for room")
    func fullDisk() throws {
        let store = FillableStore()
        let reports = Mutex<[Bool]>([])
        let host = try LogHost(store: store) { shortage in reports.withLock { $0.append(shortage != nil) } }
        let loop = LockedQueue()
        let log = try found(id, on: host.lane(loop.lane)).replica
        #expect(loop.run { log.serves })
        var delivered: [UInt64] = []
        var stop: LogError?
        log.onDelivery = { delivered.append($0.index.rawValue - 1) }
        log.onStop = { stop = $0 }
        func isRefused() -> Bool {
            do throws(ProposalRefusal) {
                _ = try log.propose([2])
                return false
            } catch {
                return error == .windowFull
            }
        }

        store.isFull.store(true, ordering: .relaxed)
        _ = try log.propose([1])
        #expect(loop.run { host.shortage != nil })
        #expect(loop.run(until: isRefused))
        let waiting = log.inFlightCount
        #expect(delivered.isEmpty)
        store.isFull.store(false, ordering: .relaxed)
        #expect(loop.run { delivered.count == waiting && !isRefused() })
        #expect(loop.run { log.inFlightCount == 0 })
        #expect(delivered == Array(1...UInt64(delivered.count)) && host.shortage == nil)
        #expect(reports.withLock { $0 } == [true, false])

        store.isFull.store(true, ordering: .relaxed)
        _ = try log.propose([1])
        #expect(loop.run { host.shortage != nil })
        host.close()
        #expect(loop.run { stop != nil })
        guard case .noSpace = stop else {
            Issue.record("expected noSpace, got \(String(describing: stop))")
            return
        }
    }

    @Test("write and sync are two pieces of work, and only then is anything told")
    func pieces() throws {
        let (memory, thread, loop) = (MemoryLogStore(), HandDrivenThread(), LockedQueue())
        let host = try LogHost(store: memory, on: thread)
        let (log, state) = try found(id, on: host.lane(loop.lane))
        #expect(loop.run { thread.rest() && log.serves })
        let (wakes, syncs) = (thread.wakes, host.counters.syncs)
        _ = try log.propose([1])
        #expect(loop.run { thread.wakes == wakes + 1 })
        #expect(thread.work() == .notAtAll)
        #expect(memory.unsyncedBatchCount == 1 && host.counters.syncs == syncs)
        #expect(thread.work() == .notAtAll)
        #expect(memory.unsyncedBatchCount == 0 && host.counters.syncs == syncs + 1)
        #expect(try state.appliedCommands().isEmpty)
        #expect(loop.run { log.inFlightCount == 0 })
        #expect(try state.appliedCommands() == [[1]])
        host.close()
        #expect([thread.work(), thread.work()] == [.notAtAll, .forGood])
    }

    @Test("who waits for room is woken by what may make some, and by the end, not by what needs more")
    func waitingForRoom() throws {
        let (store, thread, loop) = (FillableStore(), HandDrivenThread(), LockedQueue())
        let host = try LogHost(store: store, on: thread)
        let log = try found(id, on: host.lane(loop.lane)).replica
        #expect(loop.run { thread.rest() && log.serves })
        let wakes = thread.wakes
        store.isFull.store(true, ordering: .relaxed)
        _ = try log.propose([1])
        #expect(loop.run { thread.wakes == wakes + 1 })
        let pause = thread.work()
        guard case .atMost = pause else { throw TestFailure("the writer rests \(pause)") }
        // Before the loop hears of it.
        let second = try log.propose([2])
        var isRefused = false
        #expect(
            loop.run {
                do throws(ProposalRefusal) { _ = try log.propose([3]) } catch { isRefused = error == .windowFull }
                return isRefused
            })
        #expect(thread.wakes == wakes + 1)
        host.trim(through: [id: second])
        #expect(thread.wakes == wakes + 2)
        #expect(thread.work() == pause)
        host.close()
        #expect(thread.wakes == wakes + 3)
        while thread.work() != .forGood {}
        #expect(loop.run { !log.serves })
    }

    @Test func proposalsBeyondTheWindowAreRefusedAndLaterTaken() throws {
        let host = try LogHost(store: MemoryLogStore())
        let loop = LockedQueue()
        let lane = host.lane(loop.lane)
        lane.windowBytes = 1000
        let log = try found(id, on: lane).replica
        #expect(loop.run { log.serves })
        var delivered = 0
        log.onDelivery = { _ in delivered += 1 }
        var accepted = 0
        while accepted < 1000 {
            do throws(ProposalRefusal) {
                _ = try log.propose([UInt8](repeating: 0, count: 100))
                accepted += 1
            } catch {
                #expect(error == .windowFull)
                break
            }
        }
        #expect(accepted == 10)
        #expect(loop.run { delivered == accepted })
        _ = try log.propose([1])
        #expect(loop.run { delivered == accepted + 1 })
        host.close()
    }

    @Test func trimmingReleasesWhatTheStateHolds() throws {
        let directory = try TemporaryDirectory("log")
        var options = LogStoreOptions()
        options.segmentBytes = 64 << 10
        let store = try SegmentedLogStore(directory: directory.path + "/log", options: options)
        let host = try LogHost(store: store)
        let loop = LockedQueue()
        let log = try found(id, on: host.lane(loop.lane)).replica
        #expect(loop.run { log.serves })
        for _ in 1...20 {
            for _ in 0..<10 { _ = try log.propose([UInt8](repeating: 1, count: 2000)) }
            #expect(loop.run { log.inFlightCount == 0 })
            host.trim(through: [id: log.trimIndex])
        }
        host.close()
        #expect(host.retainedBytes <= 2 * options.segmentBytes)
    }
}

/// A writer's thread that is the test's.
private final class HandDrivenThread: WriterThread {
    private struct State {
        var piece: (@Sendable () -> WriterRest)?
        var wakes = 0
    }

    private let state = Mutex(State())

    var wakes: Int { state.withLock { $0.wakes } }

    func start(_ piece: @escaping @Sendable () -> WriterRest) { state.withLock { $0.piece = piece } }

    /// One piece of the writer's work.
    func work() -> WriterRest { state.withLock { $0.piece }?() ?? .forGood }

    /// Does all there is to do.
    func rest() -> Bool {
        while work() == .notAtAll {}
        return true
    }

    func wake() { state.withLock { $0.wakes += 1 } }

    func join() {}
}

/// A store whose disk fills up when a test says so.
private final class FillableStore: LogStore {
    let isFull = Atomic(false)
    private let memory = MemoryLogStore()

    var largestWriteBytes: Int { memory.largestWriteBytes }
    var retainedBytes: Int { memory.retainedBytes }

    var incarnation: Incarnation { memory.incarnation }
    var contents: [LogGroupID: LogContents] { memory.contents }

    func write(_ batches: [LogBatch]) throws(LogError) {
        if isFull.load(ordering: .relaxed) { throw .noSpace("the test's disk is full") }
        try memory.write(batches)
    }

    func replay(_ body: (LogGroupID, StoredEntry) throws -> Void) throws { try memory.replay(body) }

    func read(from starts: [LogGroupID: LogIndex], _ body: (LogGroupID, LogEntry) throws -> Bool) throws {
        try memory.read(from: starts, body)
    }

    func sync() throws(LogError) { try memory.sync() }
    func trim(through indices: [LogGroupID: LogIndex]) throws(LogError) { try memory.trim(through: indices) }
    func close() { memory.close() }
}
