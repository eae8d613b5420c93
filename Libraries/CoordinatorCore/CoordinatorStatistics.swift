/// Counters since the start, for metrics and benchmarks.
public struct CoordinatorStatistics: Sendable, Equatable {
    public var transactionsStarted: UInt64 = 0
    public var transactionsSucceeded: UInt64 = 0
    public var transactionsFailed: UInt64 = 0
    /// Requests answered from the table of finished ones.
    public var repliesRepeated: UInt64 = 0
    /// Requests dropped because the same one was under way, or because too many were.
    public var requestsDropped: UInt64 = 0
    /// Of these, because too many have to do with one of its shards, or come from its host.
    public var requestsBeyondShare: UInt64 = 0
    public var shardRequests: UInt64 = 0
    /// Shard requests repeated because no answer came in time.
    public var shardRequestsRepeated: UInt64 = 0
    /// Shard answers that said "not now".
    public var shardRefusals: UInt64 = 0
    /// Shards whose numbers another coordinator uses.
    public var shardsTakenOver: UInt64 = 0
    public var logEntries: UInt64 = 0
    public var logRecords: UInt64 = 0

    public init() {}
}
