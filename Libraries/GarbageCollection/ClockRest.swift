import MaintenanceState
import Mutations
import Protocol
import Synchronization

/// The day for which nothing is removed after the cluster's time was set: whether it was set right or wrong is for
/// people to see. It does not end with the process, and a start that finds the time far from where the last one left it
/// rests as well: the clock may have been set while nobody looked. Thread-safe.
public final class ClockRest: Sendable {
    /// How long it is.
    static let nanoseconds: UInt64 = 86_400_000_000_000
    /// Where the last look says that the time was later by more than this, it was put back: clocks differ by a minute.
    private static let toleranceNanoseconds: UInt64 = 300_000_000_000
    private static let storingNanoseconds: UInt64 = 60_000_000_000

    private struct Known {
        /// nil: nobody has looked yet.
        var look: ClockLook?
        var stored: ClockLook?
        var isFirstLook = true
    }

    private let state: MaintenanceState
    private let known: Mutex<Known>

    /// - Parameter isClockRight: somebody has seen to it that the time is right now, whatever it was before.
    public init(_ state: MaintenanceState, isClockRight: Bool = false) throws(MaintenanceStateError) {
        self.state = state
        let isForgotten = isClockRight || Mutation.restEndsWithTheProcess.isPlanted
        let look = isForgotten ? nil : try state.clockLook()
        known = Mutex(Known(look: look, stored: look))
    }

    /// Whether nothing is to be removed at `now`.
    /// - Parameter wasSet: whether this process has seen the time being set in the last day.
    func isOn(at now: Timestamp, wasSet: Bool) -> Bool {
        known.withLock { known in
            var look = known.look ?? ClockLook(time: now)
            let mayBeSet = known.isFirstLook && Self.isFar(now, from: look.time)
            if mayBeSet || wasSet && !Mutation.setClocksDelayNothing.isPlanted, !Self.isResting(look, at: now) {
                look.restEnds = Self.sum(now, mayBeSet ? Self.leftOfRest(look) : Self.nanoseconds)
            }
            look.time = now
            known.look = look
            known.isFirstLook = false
            if Self.isWorthStoring(look, after: known.stored) {
                // Where that fails it is tried at the next look; whoever stores progress tells that nothing can be stored.
                do throws(MaintenanceStateError) {
                    try state.set(look)
                    known.stored = look
                } catch {}
            }
            return Self.isResting(look, at: now)
        }
    }

    private static func isResting(_ look: ClockLook, at now: Timestamp) -> Bool {
        // Later than in a day: of a time that was put back since.
        now < look.restEnds && look.restEnds <= sum(now, nanoseconds + toleranceNanoseconds)
    }

    /// A process that ended while it rested goes on resting: one that is away for days again and again would otherwise
    /// never come to the end of it.
    private static func leftOfRest(_ last: ClockLook) -> UInt64 {
        guard last.time < last.restEnds else { return nanoseconds }
        return min(last.restEnds.nanoseconds - last.time.nanoseconds, nanoseconds)
    }

    private static func isFar(_ now: Timestamp, from last: Timestamp) -> Bool {
        now > sum(last, nanoseconds) || last > sum(now, toleranceNanoseconds)
    }

    private static func isWorthStoring(_ look: ClockLook, after stored: ClockLook?) -> Bool {
        guard let stored else { return true }
        return look.restEnds != stored.restEnds || look.time < stored.time
            || look.time > sum(stored.time, storingNanoseconds)
    }

    private static func sum(_ time: Timestamp, _ nanoseconds: UInt64) -> Timestamp {
        let (sum, isTooLate) = time.nanoseconds.addingReportingOverflow(nanoseconds)
        return Timestamp(nanoseconds: isTooLate ? .max : sum)
    }
}
