import EventLoop
import Glibc
import TestServices
import Testing

@Suite struct LoopTests {
    @Test func submissionsRunInOrderOnTheLoop() async throws {
        let seen: [Int] = try await onLoop { loop, finish in
            let order = Monitor([Int]())
            let sender = try SystemThread(name: "sender") {
                for number in 0..<1000 {
                    loop.submit {
                        #expect(loop.isOnLoop)
                        order.withLock { $0.append(number) }
                        if number == 999 { finish(order.withLock { $0 }) }
                    }
                }
            }
            sender.detach()
        }
        #expect(seen == Array(0..<1000))
    }

    @Test func aCancelledSleepEndsEarly() async throws {
        // Both before and while it sleeps; the deadline of the test is shorter than the sleep.
        for delay: UInt64 in [0, 5_000_000] {
            let wasCancelled: Bool = try await onLoop { loop, finish in
                let task = loop.task {
                    await loop.sleep(nanoseconds: 60_000_000_000)
                    finish(Task.isCancelled)
                }
                if delay == 0 { task.cancel() } else { loop.timer(afterNanoseconds: delay) { task.cancel() } }
            }
            #expect(wasCancelled)
        }
    }

    @Test func timersFireInOrderAndNotEarly() async throws {
        let elapsed: UInt64 = try await onLoop { loop, finish in
            let start = loop.monotonicNanoseconds
            var fired: [Int] = []
            let cancelled = loop.timer(afterNanoseconds: 1_000_000) { fired.append(-1) }
            cancelled.cancel()
            cancelled.cancel()
            loop.timer(afterNanoseconds: 20_000_000) {
                fired.append(2)
                #expect(fired == [1, 2])
                finish(loop.monotonicNanoseconds - start)
            }
            loop.timer(afterNanoseconds: 5_000_001) { fired.append(1) }
        }
        // libuv truncates its clock to whole milliseconds.
        #expect(elapsed >= 19_000_000)
    }

    @Test func repeatingTimerStopsWhenCancelled() async throws {
        let count: Int = try await onLoop { loop, finish in
            var count = 0
            var timer: LoopTimer?
            timer = loop.timer(afterNanoseconds: 0, repeatingNanoseconds: 1_000_000) {
                count += 1
                if count == 3 { timer?.cancel() }
            }
            loop.timer(afterNanoseconds: 30_000_000) { finish(count) }
        }
        #expect(count == 3)
    }

    actor Counter {
        let loop: EventLoop
        var value = 0
        nonisolated var unownedExecutor: UnownedSerialExecutor { loop.asUnownedSerialExecutor() }

        init(_ loop: EventLoop) { self.loop = loop }

        func add() -> Bool {
            value += 1
            return loop.isOnLoop
        }
    }

    @Test func actorsAndTasksRunOnTheLoop() async throws {
        let value: Int = try await onLoop { loop, finish in
            let counter = Counter(loop)
            // Plain callbacks of the loop may enter the actor without a hop.
            counter.assumeIsolated { $0.value = 100 }
            loop.task {
                #expect(loop.isOnLoop)
                for _ in 0..<100 {
                    #expect(await counter.add())
                    await Task.yield()
                }
                await loop.sleep(nanoseconds: 1_000_000)
                #expect(loop.isOnLoop)
                finish(await counter.value)
            }
        }
        #expect(value == 200)
    }

    @Test func tasksThatNeverPauseDoNotStarveTimers() async throws {
        let done: Bool = try await onLoop { loop, finish in
            let stop = Monitor(false)
            loop.task {
                while !stop.withLock({ $0 }) { await Task.yield() }
                finish(true)
            }
            loop.timer(afterNanoseconds: 5_000_000) { stop.withLock { $0 = true } }
        }
        #expect(done)
    }

    @Test func workRunsElsewhereAndComesBack() async throws {
        let total: Int = try await onLoop { loop, finish in
            struct Odd: Error {}
            var sum = 0
            var left = 200
            for number in 0..<200 {
                loop.work {
                    #expect(!loop.isOnLoop)
                    if number % 2 == 1 { throw Odd() }
                    return number
                } then: { result in
                    #expect(loop.isOnLoop)
                    if case .success(let value) = result { sum += value }
                    left -= 1
                    if left == 0 { finish(sum) }
                }
            }
        }
        #expect(total == (0..<200).filter { $0 % 2 == 0 }.reduce(0, +))
    }

    @Test func queueUsesNoMoreThreadsThanAllowed() async throws {
        let queue = WorkQueue(name: "narrow", threads: 2)
        let running = Monitor((now: 0, most: 0))
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<50 {
                group.addTask {
                    try await queue.run {
                        running.withLock { $0.now += 1; $0.most = max($0.most, $0.now) }
                        usleep(500)
                        running.withLock { $0.now -= 1 }
                    }
                }
            }
            try await group.waitForAll()
        }
        queue.close()
        #expect(running.withLock { $0.most } <= 2)
    }

    @Test func signalsArriveOnTheLoop() async throws {
        let count: Int = try await onLoop { loop, finish in
            var watcher: SignalWatcher?
            watcher = try SignalWatcher(on: loop, signal: SIGUSR2) {
                watcher?.close()
                finish(1)
            }
            kill(getpid(), SIGUSR2)
        }
        #expect(count == 1)
    }

    @Test func idleLoopSleeps() async throws {
        let spent: UInt64 = try await onLoop { loop, finish in
            let before = threadCPUNanoseconds()
            loop.timer(afterNanoseconds: 300_000_000) { finish(threadCPUNanoseconds() - before) }
        }
        // A loop that polls would have used most of 300 ms.
        #expect(spent < 100_000_000)
    }
}

private func threadCPUNanoseconds() -> UInt64 {
    var now = timespec()
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now)
    return UInt64(now.tv_sec) * 1_000_000_000 + UInt64(now.tv_nsec)
}
