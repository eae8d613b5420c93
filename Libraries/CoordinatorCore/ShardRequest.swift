import Protocol

/// A request that no shard has answered yet.
struct ShardRequest {
    enum Purpose {
        case step(TransactionStep, of: TransactionID)
        /// Makes sure that nothing an earlier leader sent is carried out any more.
        case fence
    }

    var purpose: Purpose
    var shard: ShardID
    var request: AnyShardRequest
    /// Its number, once it has one; writes go out with one only, reads without.
    var sequence: UInt64?
    /// When it is sent (again), monotonic nanoseconds; `never` for one that waits for something else than time.
    var nextSend: UInt64
    /// The time until the sending after that.
    var interval: UInt64
    var wasSent = false
    /// How often it was sent.
    var attempts = 0

    static let never = UInt64.max
}
