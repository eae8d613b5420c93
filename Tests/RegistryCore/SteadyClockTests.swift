import Protocol
import RegistryCore
import Testing

/// What the registry tells of a clock that is set.
@Suite struct SteadyClockTests {
    private static let second: UInt64 = 1_000_000_000
    private static let start: UInt64 = 1_700_000_000 * second
    private static let month: Int64 = 30 * 86_400

    /// What the clock tells at seconds since the start, when it was set by so many seconds by then.
    private static func told(_ clock: inout SteadyClock, at seconds: UInt64, setBy step: Int64) -> Int64 {
        let wall = UInt64(Int64(start + seconds * second) + step * Int64(second))
        let told = clock.time(wall: Timestamp(nanoseconds: wall), boot: 77 * second + seconds * second)
        return Int64(told.nanoseconds / second) - Int64((start + seconds * second) / second)
    }

    @Test(arguments: [month, -month, 61, -61]) func aJumpIsFollowedOnceItHasLasted(step: Int64) {
        var clock = SteadyClock()
        #expect(Self.told(&clock, at: 0, setBy: 0) == 0)
        for seconds in stride(from: 10 as UInt64, to: 310, by: 10) {
            #expect(Self.told(&clock, at: seconds, setBy: step) == 0)
            #expect(clock.disputedSeconds == step)
        }
        #expect(Self.told(&clock, at: 310, setBy: step) == step)
        #expect(clock.disputedSeconds == 0)
        // What it was before is a jump by now.
        #expect(Self.told(&clock, at: 320, setBy: 0) == step)
    }

    @Test func whatIsPutBackReachesNobody() {
        var clock = SteadyClock()
        #expect(Self.told(&clock, at: 0, setBy: 0) == 0)
        for turn in 1...100 as ClosedRange<UInt64> {
            #expect(Self.told(&clock, at: turn * 200, setBy: Self.month) == 0)
            #expect(Self.told(&clock, at: turn * 200 + 100, setBy: 0) == 0)
        }
        #expect(clock.disputedSeconds == 0)
    }

    @Test func everyJumpHasToLast() {
        var clock = SteadyClock()
        #expect(Self.told(&clock, at: 0, setBy: 0) == 0)
        for turn in 1...100 as ClosedRange<UInt64> {
            #expect(Self.told(&clock, at: turn * 200, setBy: Self.month + Int64(turn) * 3_600) == 0)
        }
    }

    @Test func smallStepsAreFollowedAtOnce() {
        var clock = SteadyClock()
        for turn in 0...1_000 as ClosedRange<UInt64> {
            #expect(Self.told(&clock, at: turn * 10, setBy: Int64(turn) * 59) == Int64(turn) * 59)
        }
    }

    @Test func noClockMakesItOverflow() {
        var clock = SteadyClock()
        for wall: UInt64 in [0, .max, 5, .max / 2] {
            for boot: UInt64 in [0, .max] { _ = clock.time(wall: Timestamp(nanoseconds: wall), boot: boot) }
        }
    }
}
