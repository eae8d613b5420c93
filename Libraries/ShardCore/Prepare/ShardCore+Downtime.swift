import Mutations
import Protocol

// While a shard is away nobody can renew files. So in the first lifetime of every run deadlines do not count that had
// not passed when the run before ended.

extension ShardCore {
    /// Where the log stood when this core began to lead.
    struct Beginning {
        /// The leader's wall clock at its first entry.
        let clock: Timestamp
        /// Of the last entry before.
        let lastTime: Timestamp
    }

    /// Since when deadlines are spared in an entry made now; nil: none is.
    ///
    /// That is a lifetime before the end of the run before: who could not renew his files in that run, because it was a
    /// short one between two outages, is not left out.
    func sparedSince(at clock: Timestamp) -> Timestamp? {
        let beginning = self.beginning ?? Beginning(clock: clock, lastTime: state.progress.lastTime)
        self.beginning = beginning
        let (begin, last) = (beginning.clock.nanoseconds, beginning.lastTime.nanoseconds)
        guard last > 0, clock.nanoseconds >= begin, clock.nanoseconds - begin <= transientLifetimeNanoseconds,
            !Mutation.downtimeCounts.isPlanted
        else { return nil }
        // Times that a clock drove ahead do not tell when that run ended.
        guard last > transientLifetimeNanoseconds, last <= begin else { return .zero }
        return Timestamp(nanoseconds: last - transientLifetimeNanoseconds)
    }
}
