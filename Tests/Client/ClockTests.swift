import Client
import Protocol
import Synchronization
import Testing

/// When a wall clock is believed.
@Suite("The clock of the cluster")
struct ClockTests {
    private static let second: UInt64 = 1_000_000_000
    private static let start: UInt64 = 1_700_000_000 * second

    private func compared(
        _ wall: UInt64, at monotonic: UInt64, toRegistry time: UInt64, sent: UInt64, received: UInt64
    ) -> ClockComparison {
        var comparison = ClockComparison()
        comparison.learn(Timestamp(nanoseconds: time), sent: sent, received: received)
        return comparison
    }

    @Test("a jump shows without another question, in both directions")
    func jump() {
        let comparison = compared(0, at: 0, toRegistry: Self.start, sent: 100, received: 200)
        func agrees(_ wallSeconds: Int64, after seconds: UInt64) -> Bool {
            let wall = UInt64(Int64(Self.start) + wallSeconds * Int64(Self.second))
            return comparison.agrees(with: Timestamp(nanoseconds: wall), at: 150 + seconds * Self.second)
        }
        #expect(agrees(0, after: 0) && agrees(3_600, after: 3_600) && agrees(59, after: 0) && agrees(-59, after: 0))
        #expect(!agrees(61, after: 0) && !agrees(-61, after: 0) && !agrees(30 * 86_400, after: 1))
        // A machine that was suspended: its monotonic clock stood still.
        #expect(!agrees(3_600, after: 0))
    }

    @Test("what the way of an answer may have taken is no deviation, and slow answers say nothing")
    func roundTrip() {
        let slow = compared(0, at: 0, toRegistry: Self.start, sent: 0, received: 8 * Self.second)
        let exact = Timestamp(nanoseconds: Self.start + 63 * Self.second)
        #expect(slow.agrees(with: exact, at: 4 * Self.second))
        #expect(!slow.agrees(with: Timestamp(nanoseconds: exact.nanoseconds + 2 * Self.second), at: 4 * Self.second))
        #expect(!compared(0, at: 0, toRegistry: Self.start, sent: 0, received: 11 * Self.second).isKnown)
        #expect(!compared(0, at: 0, toRegistry: Self.start, sent: 2, received: 1).isKnown)
    }

    @Test("no answer makes the arithmetic overflow")
    func extremes() {
        for time in [0, UInt64.max] {
            for wall in [0, UInt64.max] {
                for monotonic in [0, UInt64.max] {
                    let comparison = compared(0, at: 0, toRegistry: time, sent: 0, received: 1)
                    _ = comparison.deviation(of: Timestamp(nanoseconds: wall), at: monotonic)
                }
            }
        }
        let comparison = compared(0, at: 0, toRegistry: 0, sent: 0, received: 0)
        #expect(comparison.deviation(of: Timestamp(nanoseconds: .max), at: 0) == .max)
    }

    /// Clocks that the test sets.
    private final class Clocks: Sendable {
        let wall = Mutex(ClockTests.start)
        let monotonic = Mutex(UInt64(5))

        func advance(_ nanoseconds: UInt64) {
            wall.withLock { $0 += nanoseconds }
            monotonic.withLock { $0 += nanoseconds }
        }
    }

    @Test("nothing is believed before the first answer, however long that takes")
    func beforeTheFirstAnswer() {
        let clocks = Clocks()
        let clock = ClusterClock { (clocks.wall.withLock { $0 }, clocks.monotonic.withLock { $0 }) }
        #expect(clock.now == nil && clock.isUnknown)
        clocks.advance(86_400 * Self.second)
        #expect(clock.now == nil && clock.isUnknown)
        clock.learnNothing()
        #expect(clock.now == Timestamp(nanoseconds: Self.start + 86_400 * Self.second) && !clock.isUnknown)
    }

    @Test("a registry whose clock was set is noticed, whatever this machine's clock says")
    func registryWasSet() {
        let clocks = Clocks()
        let clock = ClusterClock { (clocks.wall.withLock { $0 }, clocks.monotonic.withLock { $0 }) }
        func learn() {
            clock.learn(Timestamp(nanoseconds: clocks.wall.withLock { $0 }), sent: clock.monotonicNanoseconds)
        }
        learn()
        for _ in 0..<100 {
            clocks.advance(30 * Self.second)
            // Small steps are nothing.
            clocks.wall.withLock { $0 += 10 * Self.second }
            learn()
        }
        #expect(!clock.wasSet(withinNanoseconds: .max))
        // On one machine both go together.
        clocks.wall.withLock { $0 += 30 * 86_400 * Self.second }
        learn()
        #expect(clock.now != nil && clock.wasSet(withinNanoseconds: 1))
        clocks.advance(3_600 * Self.second)
        learn()
        #expect(clock.wasSet(withinNanoseconds: 3_601 * Self.second))
        #expect(!clock.wasSet(withinNanoseconds: 3_600 * Self.second))
    }

    @Test("a wrong clock is not believed until it is right again; where nothing is told there is nothing to compare")
    func wrong() {
        let clocks = Clocks()
        let clock = ClusterClock { (clocks.wall.withLock { $0 }, clocks.monotonic.withLock { $0 }) }
        clock.learn(Timestamp(nanoseconds: Self.start), sent: 5)
        #expect(clock.now != nil)
        clocks.wall.withLock { $0 += 30 * 86_400 * Self.second }
        #expect(clock.now == nil)
        #expect(clock.deviationSeconds == 30 * 86_400)
        clock.learnNothing()
        #expect(clock.now != nil)
        clock.learn(Timestamp(nanoseconds: Self.start), sent: 5)
        #expect(clock.now == nil)
        clocks.wall.withLock { $0 -= 30 * 86_400 * Self.second }
        #expect(clock.now == Timestamp(nanoseconds: Self.start))
        #expect(clock.deviationSeconds == 0)
    }
}
