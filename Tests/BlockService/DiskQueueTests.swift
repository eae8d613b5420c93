import Foundation
import Synchronization
import Testing
import sterna_block

/// Who comes first on a disk's threads, and what is refused.
@Suite(.timeLimit(.minutes(1))) struct DiskQueueTests {
    /// Holds threads until it is opened.
    private final class Gate: Sendable {
        private let condition = NSCondition()
        private let isOpen = Mutex(false)

        func pass() {
            condition.lock()
            while !isOpen.withLock({ $0 }) { condition.wait() }
            condition.unlock()
        }

        func open() {
            condition.lock()
            isOpen.withLock { $0 = true }
            condition.broadcast()
            condition.unlock()
        }
    }

    private final class Record: Sendable {
        private let kinds = Mutex<[DiskQueue.Kind]>([])
        var all: [DiskQueue.Kind] { kinds.withLock { $0 } }
        func add(_ kind: DiskQueue.Kind) { kinds.withLock { $0.append(kind) } }

        func wait(for count: Int) {
            while all.count < count { usleep(1000) }
        }
    }

    @Test func whatComesBeyondTheLimitIsRefused() {
        let queue = DiskQueue(name: "test", threads: 1, limit: 3)
        defer { queue.close() }
        let (gate, record) = (Gate(), Record())
        queue.run(.fetch) { gate.pass() }
        while queue.waiting(.fetch) > 0 { usleep(1000) }
        for kind in DiskQueue.Kind.allCases {
            let taken = (0..<5).map { _ in queue.offer(kind) { record.add(kind) } }
            #expect(taken == [true, true, true, false, false])
        }
        queue.run(.check) { record.add(.check) }  // has begun already: never refused
        gate.open()
        record.wait(for: 13)
        #expect(queue.offer(.check) { record.add(.check) })
        record.wait(for: 14)
    }

    @Test func usersComeFirstAndNobodyStarves() {
        let queue = DiskQueue(name: "test", threads: 1, limit: 10_000)
        defer { queue.close() }
        let (gate, record) = (Gate(), Record())
        queue.run(.fetch) { gate.pass() }
        while queue.waiting(.fetch) > 0 { usleep(1000) }
        for kind in DiskQueue.Kind.allCases.reversed() {
            for _ in 0..<500 { #expect(queue.offer(kind) { record.add(kind) }) }
        }
        gate.open()
        record.wait(for: 2000)
        let first = record.all.prefix(270)
        let counts = DiskQueue.Kind.allCases.map { kind in first.filter { $0 == kind }.count }
        #expect((155...165).contains(counts[0]) && (75...85).contains(counts[1]), "\(counts)")
        #expect((18...22).contains(counts[2]) && (8...12).contains(counts[3]), "\(counts)")
    }

    @Test func checksAndErasuresLeaveThreadsToUsers() {
        let queue = DiskQueue(name: "test", threads: 4, limit: 100)
        defer { queue.close() }
        let (gate, record) = (Gate(), Record())
        for _ in 0..<20 {
            queue.run(.check) {
                gate.pass()
                record.add(.check)
            }
            queue.run(.erase) {
                gate.pass()
                record.add(.erase)
            }
        }
        for _ in 0..<50 { queue.run(.fetch) { record.add(.fetch) } }
        record.wait(for: 50)  // although all the others wait for the gate
        #expect(record.all.allSatisfy { $0 == .fetch })
        queue.run(.write) { record.add(.write) }
        record.wait(for: 51)
        gate.open()
        record.wait(for: 91)
        #expect(record.all.count == 91)
    }

    @Test func errorLimits() {
        let limits = ErrorLimits(percent: 10, count: 5, periodNanoseconds: 1)
        #expect(!limits.areExceeded(by: 0, of: 0) && !limits.areExceeded(by: 4, of: 4))
        #expect(limits.areExceeded(by: 5, of: 49) && !limits.areExceeded(by: 5, of: 50))
        #expect(limits.areExceeded(by: .max, of: 100) && !limits.areExceeded(by: .max, of: .max))
    }
}
