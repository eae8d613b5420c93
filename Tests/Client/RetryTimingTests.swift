import Client
import EventLoop
import TestSupport
import Testing

@Suite struct RetryTimingTests {
    /// Sends at these times, in ms, when nobody ever answers, with a clock that jumps from one to the next.
    private func series(_ timing: RetryTiming, jitter: Double, limit: Int = 100) -> [UInt64] {
        var times: [UInt64] = []
        var elapsed: UInt64 = 0
        while times.count < limit, let wait = timing.wait(elapsedNanoseconds: elapsed, jitter: jitter) {
            times.append(elapsed / 1_000_000)
            elapsed += wait
        }
        return times
    }

    @Test func shardSeries() {
        #expect(series(.shard, jitter: 0.5) == [0, 100, 250, 475, 812, 1318, 2078, 3217, 4925, 6925, 8925])
    }

    @Test(arguments: [0, 0.25, 0.999]) func waitsGrowUpToTheLimitAndEndOnTime(jitter: Double) {
        for timing in [RetryTiming.shard, .cdc] {
            var elapsed: UInt64 = 0
            var last: UInt64 = 0
            while let wait = timing.wait(elapsedNanoseconds: elapsed, jitter: jitter) {
                #expect(wait > 0 && wait <= timing.longestNanoseconds)
                let isLast = elapsed + wait == timing.overallNanoseconds
                #expect(wait >= last || isLast)
                last = wait
                elapsed += wait
            }
            #expect(elapsed == timing.overallNanoseconds)
        }
    }

    @Test func withoutAnOverallLimitItNeverEnds() {
        let timing = RetryTiming(initialNanoseconds: 1_000_000, longestNanoseconds: 5_000_000, overallNanoseconds: 0)
        #expect(series(timing, jitter: 0.5, limit: 1000).count == 1000)
    }

    @Test func deadlinesComeInOrder() {
        var queue = DeadlineQueue<Int>()
        var generator = SeededGenerator(seed: 3)
        let dues = (0..<500).map { _ in UInt64.random(in: 0..<1000, using: &generator) }
        for (key, due) in dues.enumerated() { queue.insert(key, due: due) }
        #expect(queue.popDue(0) == nil || dues.contains(0))
        var taken: [UInt64] = []
        while let key = queue.popDue(2000) { taken.append(dues[key]) }
        #expect(taken == taken.sorted() && taken.count >= 499)
    }
}
