import Mutations
import Protocol
import ReplicatedLog
import Synchronization

/// Which groups of a process are in trouble, and since when. Thread-safe: loops note it, and whoever tells the registry
/// reads it.
package final class GroupWatch: Sendable {
    /// What passes sooner is nobody's concern: an election, a restart.
    private static let passingNanoseconds: UInt64 = 10_000_000_000

    private struct Sighting {
        let since: UInt64
        var trouble: GroupTrouble
    }

    private let sightings = Mutex<[LogGroupID: Sighting]>([:])

    package init() {}

    /// How a group is now; nil: all is well, or it is for others to say.
    ///
    /// - Parameter now: monotonic nanoseconds, here and below.
    package func note(_ trouble: GroupTrouble?, of group: LogGroupID, at now: UInt64) {
        sightings.withLock { sightings in
            guard let trouble else {
                sightings[group] = nil
                return
            }
            sightings[group, default: Sighting(since: now, trouble: trouble)].trouble = trouble
        }
    }

    /// What has lasted for a while, of groups that stand still or would with one more failure.
    ///
    /// - Parameter number: what a group is called outside of its process.
    package func lasting(at now: UInt64, _ number: (LogGroupID) -> GroupNumber) -> [TroubledGroup] {
        let wait = Mutation.passingTroubleIsTold.isPlanted ? 0 : Self.passingNanoseconds
        let lasting = sightings.withLock { sightings in
            sightings.filter { $0.value.trouble != .isIncomplete && now &- $0.value.since >= wait }
        }
        return lasting.map { TroubledGroup(group: number($0.key), trouble: $0.value.trouble) }
            .sorted { $0.group < $1.group }
    }
}
