import Mutations
import Protocol

// A second coordinator, started on a copy of this one's data (README.md, "Exactly once").

extension Coordinator {
    /// How far apart the first numbers of two leaderships may be.
    private static let leadershipBits = 30

    /// How many numbers a leadership leaves out before its first one. A second coordinator from a copy of this one's
    /// data has the same numbers reserved; if it used the same ones, each would be given the other's answers.
    static func distance(_ random: UInt64) -> UInt64 {
        Mutation.leadersBeginAlike.isPlanted ? 0 : random >> (UInt64.bitWidth - leadershipBits)
    }

    func accepted(_ request: ShardRequest) {
        let index = Int(request.shard.rawValue)
        channels[index].leaps = 0
        channels[index].firstAccepted = channels[index].firstAccepted ?? request.sequence
    }

    /// Whether somebody else has closed a number above one that was accepted from this leadership: we close none that is
    /// open, so it works with the shard at the same time.
    func isInUseByOthers(_ sequence: UInt64, at shard: ShardID) -> Bool {
        guard !options.anybodyMayCloseNumbers, !Mutation.coordinatorsLeapfrog.isPlanted else { return false }
        let channel = channels[Int(shard.rawValue)]
        return channel.isTakenOver || channel.firstAccepted.map { sequence > $0 } ?? false
    }

    /// The shard is left to the other coordinator. What is under way there ends when this one is started again: nobody
    /// knows how far it got, so its clients get no answer, and it keeps its locks.
    func takenOver(_ shard: ShardID) {
        let index = Int(shard.rawValue)
        guard !channels[index].isTakenOver else { return }
        channels[index].isTakenOver = true
        statistics.shardsTakenOver += 1
        outbox.alarms.append(
            "another coordinator works with shard \(shard), so everything that concerns the shard fails here: stop the "
                + "other one, then start this one again")
    }

    func isTakenOver(_ shard: ShardID) -> Bool { channels[Int(shard.rawValue)].isTakenOver }

    func isTakenOver(_ machine: any Transaction) -> Bool { machine.claims.contains { isTakenOver($0.shard) } }
}
