import Protocol

/// What may differ between coordinators without making their states differ.
public struct CoordinatorOptions: Sendable {
    /// How long a shard may take to answer before its request is repeated for the first time. Nanoseconds.
    public var shardTimeoutNanoseconds: UInt64 = 100_000_000
    /// Upper bound of the time between repetitions, which grows by half each time. Nanoseconds.
    public var maximumShardTimeoutNanoseconds: UInt64 = 2_000_000_000
    /// How long the record of a finished transaction may wait for company before it is proposed. Nothing waits for it
    /// but its own trip to the log: a crash before only makes recovery look the outcome up. Nanoseconds.
    public var lazyRecordDelayNanoseconds: UInt64 = 5_000_000
    /// Requests executing or waiting for locks; more are dropped, as an overfull socket would.
    public var maximumTransactions = 16_384
    /// Of these, how many may have to do with one shard. In the ordinary course there are some hundred; thousands are
    /// there when it does not answer.
    public var maximumTransactionsPerShard = 2_048
    /// How many may come from one host.
    public var maximumTransactionsPerHost = 8_192
    /// Directory ids are reserved in the log this many at a time.
    public var directoryReservation = 512
    /// Numbers for requests to shards are reserved in the log this many at a time.
    public var sequenceReservation: UInt64 = 1 << 20
    /// How many answers a shard has to remember at most while it leaves one request unanswered; shards refuse to
    /// remember more than 65,536.
    public var maximumOpenSequences = 8_192
    /// Whether others than coordinators may close numbers, as they can where the key is the published one: then numbers
    /// that get closed say nothing about a second coordinator.
    public var anybodyMayCloseNumbers = false
    /// The log entry is cut before it exceeds this many bytes (one datagram between replicas), unless one record does.
    public var maximumEntryBytes = 8_000
    /// Policies of a directory that loses its owner, for tags that no ancestor defines (spec A.9, D.6).
    public var defaultInfo: DirectoryInfo

    public init(defaultInfo: DirectoryInfo) {
        self.defaultInfo = defaultInfo
    }
}
