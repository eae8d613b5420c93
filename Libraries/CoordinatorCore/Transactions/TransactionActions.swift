import Protocol

/// How a transaction ended.
struct TransactionOutcome {
    /// What the client is told; nil for nothing: it asks again and gets its answer then.
    var result: Result<AnyCdcResponse, ProtocolError>?
    var change = LedgerChange.none
}

/// What the log has to learn from a transaction's end.
enum LedgerChange {
    case none
    case parents([ParentChange])
    case directoryMade(InodeID, owner: InodeID)
    case directoryDropped(InodeID)
}

/// What a transaction wants done next; filled by one call of it, carried out by the coordinator.
struct TransactionActions {
    struct Request {
        var step: TransactionStep
        var shard: ShardID
        var request: AnyShardRequest
        /// Whether the shard has refused this step for the moment: wait a little, longer each time.
        var isRetry: Bool
    }

    private(set) var requests: [Request] = []
    private(set) var wantsBegin = false
    private(set) var wantsDirectoryID = false
    private(set) var outcome: TransactionOutcome?
    private(set) var alarms: [String] = []

    mutating func send(_ step: TransactionStep, _ request: AnyShardRequest, to shard: ShardID) {
        requests.append(Request(step: step, shard: shard, request: request, isRetry: false))
    }

    mutating func retry(_ step: TransactionStep, _ request: AnyShardRequest, to shard: ShardID) {
        requests.append(Request(step: step, shard: shard, request: request, isRetry: true))
    }

    /// Makes the transaction durable; `begun` is called when it is.
    mutating func begin() { wantsBegin = true }

    /// Asks for a directory id that was never used; `allocated` is called with it.
    mutating func allocateDirectory() { wantsDirectoryID = true }

    mutating func finish(_ result: Result<AnyCdcResponse, ProtocolError>, _ change: LedgerChange = .none) {
        outcome = TransactionOutcome(result: result, change: change)
    }

    /// Ends without an answer, as if the request had never come.
    mutating func abandon(_ change: LedgerChange) {
        outcome = TransactionOutcome(result: nil, change: change)
    }

    mutating func alarm(_ text: String) { alarms.append(text) }
}
