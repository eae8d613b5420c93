import Scrubbing
import Testing

/// Bytes over time.
@Suite struct ByteRateTests {
    @Test func aLimitIsKeptOverTime() {
        var rate = ByteRate(bytesPerSecond: 1000)
        var now: UInt64 = 5_000_000_000
        let start = now
        for _ in 0..<100 { now += rate.pause(before: 500, now: now) }
        #expect((49_000_000_000...50_000_000_000).contains(now - start))
    }

    @Test func noLimitNeverWaits() {
        var rate = ByteRate(bytesPerSecond: 0)
        #expect((0..<10).allSatisfy { _ in rate.pause(before: .max, now: 0) == 0 })
    }

    @Test func idleTimeIsNotSavedUp() {
        var rate = ByteRate(bytesPerSecond: 1000)
        #expect(rate.pause(before: 1000, now: 1_000_000_000_000) == 0)
        #expect(rate.pause(before: 1000, now: 1_000_000_000_000) >= 800_000_000)
    }

    @Test func hugeNumbersDoNotTrap() {
        var rate = ByteRate(bytesPerSecond: 1)
        for _ in 0..<10 { _ = rate.pause(before: .max, now: .max) }
    }
}
