import Protocol

/// A signed request that the service has to send to a shard.
public struct ShardSend: Sendable {
    public var shard: ShardID
    /// Comes back in the shard's answer. Repetitions of a request keep their id.
    public var requestID: UInt64
    /// As it goes into the packet: a read, or an EXECUTE_ONCE or CLOSE_SEQUENCES request.
    public var request: AnyShardRequest
    /// 0 for the first time, 1 for the first repetition, and so on.
    public var attempt: Int
}

/// An answer that the service has to send to a client.
public struct ClientReply: Sendable {
    public var origin: RequestOrigin
    public var result: Result<AnyCdcResponse, ProtocolError>

    public init(origin: RequestOrigin, result: Result<AnyCdcResponse, ProtocolError>) {
        self.origin = origin
        self.result = result
    }
}

/// What the coordinator wants done. The service takes everything out after each batch of inputs.
public struct Outbox: Sendable {
    public var shardSends: [ShardSend] = []
    public var clientReplies: [ClientReply] = []
    /// Answers of shards that contradict the namespace's rules, or tell of a second coordinator: one sentence each, for
    /// the operator's log.
    public var alarms: [String] = []
    /// What somebody should know although the coordinator gets over it.
    public var warnings: [String] = []

    public var isEmpty: Bool { shardSends.isEmpty && !hasNews }

    /// Whether there is something for clients or for the operator.
    public var hasNews: Bool { !(clientReplies.isEmpty && alarms.isEmpty && warnings.isEmpty) }
}
