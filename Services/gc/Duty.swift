import MaintenanceState
import Protocol

/// Something to be done for each shard, again and again.
struct Duty: Sendable {
    /// Does it for one shard from a place on, and tells which places it reached. Stops early when its task is
    /// cancelled.
    typealias Turn = @Sendable (ShardID, ShardPlace, _ reached: @Sendable (ShardPlace) -> Void) async -> DutyCounts

    /// As in the state and the log.
    let name: String
    let intervalNanoseconds: UInt64
    /// Shards that have their turn at the same time, at least 1.
    let shardsAtOnce: Int
    /// A pause is at least this many times as long as the round before it, up to `longestRest` intervals: after one slow
    /// round freed space must not come back only hours later.
    let restFactor: UInt64
    static let longestRest: UInt64 = 6
    let turn: Turn

    init(
        _ name: String, every seconds: UInt32, shardsAtOnce: Int, restFactor: UInt64 = 20, _ turn: @escaping Turn
    ) {
        self.restFactor = restFactor
        self.name = name
        intervalNanoseconds = UInt64(seconds) * 1_000_000_000
        self.shardsAtOnce = shardsAtOnce
        self.turn = turn
    }
}
