import Protocol

extension Coordinator {
    /// A shard's answer has arrived, its MAC checked. Answers to requests that nobody waits for any more are ignored.
    ///
    /// - Parameter now: monotonic nanoseconds.
    public func receive(
        _ answer: Result<AnyShardResponse, ProtocolError>, toRequest requestID: UInt64, now: UInt64
    ) throws(CoordinatorFailure) {
        guard let request = requests[requestID], request.wasSent,
            let transaction = running[request.transaction]
        else { return }
        switch answer {
        case .success(let response):
            // A response of another kind than the request's is no answer; the request will be repeated.
            guard response.kind == request.request.kind else { return }
        case .failure(let error):
            if error.isTransient {
                statistics.shardRefusals += 1
                return postpone(requestID, transaction, now)
            }
        }
        requests[requestID] = nil
        transaction.openRequests.remove(requestID)
        perform(transaction, now) { $0.handle(answer, to: request.step, &$1) }
        try runAll(now)
    }

    /// Repeats what has waited too long for its answer, and what a shard refused a while ago.
    ///
    /// Call it every few milliseconds while `needsTicks`.
    public func tick(now: UInt64) {
        // In a fixed order: what a coordinator does follows from its inputs alone.
        let due = requests.filter { $0.value.nextSend <= now }.sorted { $0.key < $1.key }
        for (requestID, request) in due {
            var request = request
            if request.wasSent { statistics.shardRequestsRepeated += 1 }
            request.interval = min(
                request.interval &+ request.interval / 2, options.maximumShardTimeoutNanoseconds)
            dispatch(requestID, request, now)
        }
    }

    /// Whether time has to pass for something to happen.
    public var needsTicks: Bool { !requests.isEmpty || pending.deadline != nil }

    func send(_ wanted: TransactionActions.Request, for transaction: Running, _ now: UInt64) {
        let requestID = nextRequestID
        nextRequestID &+= 1
        var request = ShardRequest(
            transaction: transaction.id, step: wanted.step, shard: wanted.shard, request: wanted.request,
            nextSend: now, interval: options.shardTimeoutNanoseconds, wasSent: false)
        statistics.shardRequests += 1
        transaction.openRequests.insert(requestID)
        if wanted.isRetry {
            request.nextSend = now &+ pause(transaction)
            requests[requestID] = request
        } else {
            dispatch(requestID, request, now)
        }
    }

    /// Asks again after a pause, under a new id: the shard has answered the old one.
    private func postpone(_ requestID: UInt64, _ transaction: Running, _ now: UInt64) {
        guard var request = requests.removeValue(forKey: requestID) else { return }
        request.nextSend = now &+ pause(transaction)
        request.interval = options.shardTimeoutNanoseconds
        request.wasSent = false
        request.attempts = 0
        requests[nextRequestID] = request
        transaction.openRequests.remove(requestID)
        transaction.openRequests.insert(nextRequestID)
        nextRequestID &+= 1
    }

    /// 2 ms, doubled with each refusal, at most a second.
    private func pause(_ transaction: Running) -> UInt64 {
        defer { transaction.refusals += 1 }
        return 2_000_000 << UInt64(min(transaction.refusals, 9))
    }

    private func dispatch(_ requestID: UInt64, _ request: ShardRequest, _ now: UInt64) {
        var request = request
        request.wasSent = true
        request.nextSend = now &+ request.interval
        outbox.shardSends.append(
            ShardSend(
                shard: request.shard, requestID: requestID, request: request.request, attempt: request.attempts))
        request.attempts += 1
        requests[requestID] = request
    }

    /// A finished transaction may have asked for something whose answer it does not need (reads).
    func dropRequests(of transaction: Running) {
        for requestID in transaction.openRequests { requests[requestID] = nil }
        transaction.openRequests = []
    }
}
