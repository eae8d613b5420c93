import GarbageCollection
import MaintenanceState
import Protocol

/// Something to be done for each shard, again and again.
struct Duty: Sendable {
    /// Does it for one shard from a place on, and tells which places it reached. Stops early when its task is
    /// cancelled.
    typealias Turn = @Sendable (ShardID, ShardPlace, _ reached: @Sendable (ShardPlace) -> Void) async -> Tally

    /// As in the state and the log.
    let name: String
    let intervalNanoseconds: UInt64
    let turn: Turn

    init(_ name: String, every seconds: UInt32, _ turn: @escaping Turn) {
        self.name = name
        intervalNanoseconds = UInt64(seconds) * 1_000_000_000
        self.turn = turn
    }
}
