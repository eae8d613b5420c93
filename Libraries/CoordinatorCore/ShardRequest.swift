import Protocol

/// A request that no shard has answered yet.
struct ShardRequest {
    var transaction: TransactionID
    var step: TransactionStep
    var shard: ShardID
    var request: AnyShardRequest
    /// When it is sent (again); monotonic nanoseconds.
    var nextSend: UInt64
    /// The time until the sending after that.
    var interval: UInt64
    var wasSent: Bool
    /// How often it was sent.
    var attempts = 0
}
