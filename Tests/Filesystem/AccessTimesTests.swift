import Protocol
import Testing
import Filesystem

@Suite struct AccessTimesTests {
    private let now = Timestamp(nanoseconds: 100 * day)
    private static let day: UInt64 = 86_400_000_000_000

    private func isDue(accessed: UInt64, modified: UInt64, _ rule: AccessTimes = .relatime) -> Bool {
        rule.isDue(
            accessed: Timestamp(nanoseconds: accessed), modified: Timestamp(nanoseconds: modified), now: now)
    }

    @Test func theFirstReadSinceTheLastWriteCounts() {
        let recent = now.nanoseconds - 1000
        #expect(isDue(accessed: recent, modified: recent))
        #expect(isDue(accessed: recent - 1, modified: recent))
        #expect(!isDue(accessed: recent + 1, modified: recent))
    }

    @Test func soDoesOneADay() {
        #expect(isDue(accessed: now.nanoseconds - Self.day, modified: 0))
        #expect(!isDue(accessed: now.nanoseconds - Self.day + 1, modified: 0))
        // Somebody has set a time to come.
        #expect(!isDue(accessed: now.nanoseconds + 5 * Self.day, modified: 0))
    }

    @Test func offMeansNever() {
        #expect(!isDue(accessed: 0, modified: now.nanoseconds, .off))
    }
}
