import Testing
import Filesystem

@Suite struct LossLogTests {
    /// Of `count` losses at one moment, how many get a line.
    private func lines(_ log: inout LossLog, _ count: Int, at nanoseconds: UInt64) -> Int {
        (0..<count).filter { _ in log.admits(at: nanoseconds) }.count
    }

    @Test func aBurstIsLoggedAndTheRestCounted() {
        var log = LossLog()
        let logged = lines(&log, 100, at: 5)
        let omitted = log.takeOmitted()
        let left = log.takeOmitted()
        #expect(logged == LossLog.burst && omitted == 100 - LossLog.burst && left == 0)
    }

    @Test func linesComeBackWithTime() {
        var log = LossLog()
        _ = lines(&log, LossLog.burst, at: 0)
        let tooSoon = lines(&log, 3, at: LossLog.nanosecondsPerLine - 1)
        let later = lines(&log, 3, at: LossLog.nanosecondsPerLine)
        // Never more than one burst, however long nothing was lost.
        let muchLater = lines(&log, 100, at: .max)
        #expect(tooSoon == 0 && later == 1 && muchLater == LossLog.burst)
    }
}
