import Glibc
import Protocol
import ReplicatedLog
import Synchronization
import TestSupport
import Testing

/// The driver: threads, lanes, group commit, failure.
@Suite(.timeLimit(.minutes(2)))
struct LogHostTests {
    /// A loop for tests: closures run on the thread that calls `run(until:)`.
    private final class TestLoop: Sendable {
        private let works = Mutex<[@Sendable () -> Void]>([])

        func submit(_ work: @escaping @Sendable () -> Void) {
            works.withLock { $0.append(work) }
        }

        /// Runs what was submitted until `condition` holds; false when that takes longer than 30 s.
        func run(until condition: () -> Bool) -> Bool {
            for _ in 0..<30_000 {
                let taken = works.withLock { works in
                    defer { works.removeAll() }
                    return works
                }
                for work in taken { work() }
                if condition() { return true }
                if taken.isEmpty { usleep(1000) }
            }
            return false
        }
    }

    private let id = LogGroupID(rawValue: 3)

    @Test func deliversEverythingInOrderAndGroupsSyncs() throws {
        let directory = try TemporaryDirectory("log")
        let host = try LogHost(store: try SegmentedLogStore(directory: directory.path + "/log"))
        let loop = TestLoop()
        let lane = host.lane { loop.submit($0) }
        var delivered: [[UInt64]] = Array(repeating: [], count: 8)
        let logs = (0..<8).map { number in
            let log = lane.open(LogGroupID(rawValue: UInt32(number)), delivered: .zero)
            log.onDelivery = { delivered[number].append($0.index.rawValue) }
            return log
        }
        for number in 0..<2000 { _ = try logs[number % 8].propose([1, 2, 3]) }
        #expect(loop.run { delivered.allSatisfy { $0.count == 250 } })
        #expect(delivered.allSatisfy { $0 == Array(1...250) })
        #expect(host.counters.entries == 2000)
        #expect(host.counters.syncs < 100)  // all of them were proposed in one turn
        host.close()
        var stopped = 0
        for log in logs { log.onStop = { _ in stopped += 1 } }
        #expect(loop.run { stopped == 8 })
        #expect(throws: ProposalRefusal.stopped(.closed)) { try logs[0].propose([1]) }

        let store = try SegmentedLogStore(directory: directory.path + "/log", mustExist: true)
        let zero = Dictionary(uniqueKeysWithValues: logs.map { ($0.id, LogIndex.zero) })
        let last = try store.replay(after: zero) { _, _, bytes in #expect(Array(bytes) == [1, 2, 3]) }
        #expect(last.values.allSatisfy { $0.rawValue == 250 })
    }

    @Test func aFailedDiskStopsEveryGroupAndAcknowledgesNothing() throws {
        let memory = MemoryLogStore()
        memory.writeFault = .inputOutput("broken")
        let host = try LogHost(store: memory)
        let loop = TestLoop()
        let lane = host.lane { loop.submit($0) }
        let other = host.lane { loop.submit($0) }
        var stops: [LogError] = []
        let logs = [lane.open(id, delivered: .zero), other.open(LogGroupID(rawValue: 4), delivered: .zero)]
        for log in logs {
            log.onDelivery = { _ in Issue.record("acknowledged without being durable") }
            log.onStop = { stops.append($0) }
        }
        _ = try logs[0].propose([1])
        #expect(loop.run { stops.count == 2 })
        #expect(stops == [.inputOutput("broken"), .inputOutput("broken")])
        #expect(throws: ProposalRefusal.stopped(.inputOutput("broken"))) { try logs[1].propose([1]) }
        let late = host.lane { loop.submit($0) }.open(LogGroupID(rawValue: 5), delivered: .zero)
        #expect(loop.run { late.role != .leader })
        host.close()
    }

    @Test("a full disk delays and loses nothing; what comes meanwhile is refused; closing does not wait for room")
    func fullDisk() throws {
        let store = FillableStore()
        let reports = Mutex<[Bool]>([])
        let host = try LogHost(store: store) { shortage in reports.withLock { $0.append(shortage != nil) } }
        let loop = TestLoop()
        let log = host.lane { loop.submit($0) }.open(id, delivered: .zero)
        var delivered: [UInt64] = []
        var stop: LogError?
        log.onDelivery = { delivered.append($0.index.rawValue) }
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
        let (memory, thread, loop) = (MemoryLogStore(), HandDrivenThread(), TestLoop())
        let host = try LogHost(store: memory, on: thread)
        let log = host.lane { loop.submit($0) }.open(id, delivered: .zero)
        var delivered: [UInt64] = []
        log.onDelivery = { delivered.append($0.index.rawValue) }
        #expect(thread.work() == .untilWoken)
        _ = try log.propose([1])
        #expect(loop.run { thread.wakes == 1 })
        #expect(thread.work() == .notAtAll)
        #expect(memory.unsyncedBatchCount == 1 && host.counters.syncs == 0)
        #expect(thread.work() == .notAtAll)
        #expect(memory.unsyncedBatchCount == 0 && host.counters.syncs == 1)
        #expect(loop.run { delivered == [1] })
        host.close()
        #expect([thread.work(), thread.work()] == [.notAtAll, .forGood])
    }

    @Test("who waits for room is woken by what may make some, and by the end, not by what needs more")
    func waitingForRoom() throws {
        let (store, thread, loop) = (FillableStore(), HandDrivenThread(), TestLoop())
        let host = try LogHost(store: store, on: thread)
        let log = host.lane { loop.submit($0) }.open(id, delivered: .zero)
        #expect(thread.work() == .untilWoken)
        store.isFull.store(true, ordering: .relaxed)
        _ = try log.propose([1])
        #expect(loop.run { thread.wakes == 1 })
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
        #expect(thread.wakes == 1)
        host.trim(through: [id: second])
        #expect(thread.wakes == 2)
        #expect(thread.work() == pause)
        host.close()
        #expect(thread.wakes == 3)
        while thread.work() != .forGood {}
        #expect(loop.run { log.role != .leader })
    }

    @Test func proposalsBeyondTheWindowAreRefusedAndLaterTaken() throws {
        let host = try LogHost(store: MemoryLogStore())
        let loop = TestLoop()
        let lane = host.lane { loop.submit($0) }
        lane.windowBytes = 1000
        let log = lane.open(id, delivered: .zero)
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
        let loop = TestLoop()
        let log = host.lane { loop.submit($0) }.open(id, delivered: .zero)
        var delivered = 0
        log.onDelivery = { _ in delivered += 1 }
        for round in 1...20 {
            for _ in 0..<10 { _ = try log.propose([UInt8](repeating: 1, count: 2000)) }
            #expect(loop.run { delivered == round * 10 })
            host.trim(through: [id: log.deliveredIndex])
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

    func wake() { state.withLock { $0.wakes += 1 } }

    func join() {}
}

/// A store whose disk fills up when a test says so.
private final class FillableStore: LogStore {
    let isFull = Atomic(false)
    private let memory = MemoryLogStore()

    var largestWriteBytes: Int { memory.largestWriteBytes }
    var retainedBytes: Int { memory.retainedBytes }

    func write(_ batches: [LogBatch]) throws(LogError) {
        if isFull.load(ordering: .relaxed) { throw .noSpace("the test's disk is full") }
        try memory.write(batches)
    }

    func replay(_ body: (LogGroupID, LogIndex, UnsafeRawBufferPointer) throws -> Void) throws {
        try memory.replay(body)
    }

    func sync() throws(LogError) { try memory.sync() }
    func trim(through indices: [LogGroupID: LogIndex]) throws(LogError) { try memory.trim(through: indices) }
    func close() { memory.close() }
}
