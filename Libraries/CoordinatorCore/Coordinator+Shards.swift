import Protocol

extension Coordinator {
    /// A shard's answer has arrived, its MAC checked. Answers to requests that nobody waits for any more are ignored.
    ///
    /// - Parameters:
    ///   - answer: as it stood in the packet; that to a write is an EXECUTE_ONCE response, or an error that kept it
    ///     from being carried out.
    ///   - now: monotonic nanoseconds.
    public func receive(
        _ answer: Result<AnyShardResponse, ProtocolError>, toRequest requestID: UInt64, now: UInt64
    ) throws(CoordinatorFailure) {
        guard let request = requests[requestID], request.wasSent, !isTakenOver(request.shard) else { return }
        switch request.purpose {
        case .fence: receiveFence(answer, requestID, request, now)
        case .step(let step, let id):
            guard let transaction = running[id] else { return }
            if request.sequence == nil {
                read(answer, requestID, request, transaction, step, now)
            } else {
                written(answer, requestID, request, transaction, step, now)
            }
            try runAll(now)
        }
    }

    private func receiveFence(
        _ answer: ShardAnswer, _ requestID: UInt64, _ request: ShardRequest, _ now: UInt64
    ) {
        guard case .success(.closeSequences) = answer else {
            // Whatever it says, it is asked again.
            if case .failure(let error) = answer, request.attempts == 1 {
                outbox.warnings.append("shard \(request.shard) does not close our earlier numbers: \(error)")
            }
            return
        }
        requests[requestID] = nil
        fenceStands(at: request.shard, now)
    }

    private func read(
        _ answer: ShardAnswer, _ requestID: UInt64, _ request: ShardRequest, _ transaction: Running,
        _ step: TransactionStep, _ now: UInt64
    ) {
        switch answer {
        case .success(let response):
            // A response of another kind than the request's is no answer; the request will be repeated.
            guard response.kind == request.request.kind else { return }
        case .failure(let error):
            if error.isTransient { return postpone(requestID, transaction, now) }
        }
        finish(requestID, answer, transaction, step, now)
    }

    private func written(
        _ answer: ShardAnswer, _ requestID: UInt64, _ request: ShardRequest, _ transaction: Running,
        _ step: TransactionStep, _ now: UInt64
    ) {
        switch answer {
        case .failure(.requestIsStale):
            guard let sequence = request.sequence, !isInUseByOthers(sequence, at: request.shard) else {
                return takenOver(request.shard)
            }
            outbox.warnings.append("shard \(request.shard) has closed our numbers; \(transaction.id) starts again")
            leap(past: sequence, at: request.shard)
            settle(request, now)
            transaction.isInDoubt = true
            finish(requestID, answer, transaction, step, now)
        case .failure(let error) where error.isTransient:
            // Not carried out, but a copy of it may have been: it keeps its number.
            postpone(requestID, transaction, now)
        case .failure:
            // Refused for what it is; no copy of it can be carried out.
            settle(request, now)
            finish(requestID, answer, transaction, step, now)
        case .success(.executeOnce(let response)):
            guard let answer = response.answer(to: request.request.kind) else { return }
            settle(request, now)
            accepted(request)
            if case .failure(let error) = answer, error.isTransient {
                // The shard remembers this answer, so it has to be another request.
                requests[requestID]?.sequence = nil
                return postpone(requestID, transaction, now)
            }
            finish(requestID, answer, transaction, step, now)
        case .success:
            return
        }
    }

    private func finish(
        _ requestID: UInt64, _ answer: ShardAnswer, _ transaction: Running, _ step: TransactionStep, _ now: UInt64
    ) {
        requests[requestID] = nil
        transaction.openRequests.remove(requestID)
        if transaction.isInDoubt { return startAgain(transaction, now) }
        perform(transaction, now) { $0.handle(answer, to: step, &$1) }
    }

    /// Once nothing that it asked for can be carried out any more, a transaction in doubt goes on as after a crash: from
    /// what the shards say.
    func startAgain(_ transaction: Running, _ now: UInt64) {
        guard transaction.openRequests.isEmpty, !transaction.awaitsBegin else { return }
        transaction.isInDoubt = false
        transaction.hasStartedAgain = true
        transaction.machine = transaction.machine.startingAgain
        perform(transaction, now) { $0.start(&$1) }
    }

    /// Repeats what has waited too long for its answer, and what a shard refused a while ago.
    ///
    /// Call it every few milliseconds while `needsTicks`.
    public func tick(now: UInt64) {
        // In a fixed order: what a coordinator does follows from its inputs alone.
        let due = requests.filter { $0.value.nextSend <= now }.sorted { $0.key < $1.key }
        for (requestID, request) in due {
            var request = request
            guard !isTakenOver(request.shard) else {
                requests[requestID]?.nextSend = ShardRequest.never
                continue
            }
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
            purpose: .step(wanted.step, of: transaction.id), shard: wanted.shard, request: wanted.request,
            nextSend: now, interval: options.shardTimeoutNanoseconds)
        statistics.shardRequests += 1
        shares.involve(wanted.shard, in: transaction.id)
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
        statistics.shardRefusals += 1
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

    func dispatch(_ requestID: UInt64, _ request: ShardRequest, _ now: UInt64) {
        var request = request
        guard !isTakenOver(request.shard) else {
            request.nextSend = ShardRequest.never
            requests[requestID] = request
            return
        }
        guard admit(&request, now) else {
            request.nextSend = ShardRequest.never
            requests[requestID] = request
            return channels[Int(request.shard.rawValue)].waiting.append(requestID)
        }
        request.wasSent = true
        request.nextSend = now &+ request.interval
        do throws(EncodeError) {
            outbox.shardSends.append(
                ShardSend(
                    shard: request.shard, requestID: requestID, request: try packet(request),
                    attempt: request.attempts))
        } catch {
            outbox.alarms.append("a request to shard \(request.shard) cannot be encoded: \(error)")
        }
        request.attempts += 1
        requests[requestID] = request
    }

    /// A finished transaction may have asked for something whose answer it does not need (reads).
    func dropRequests(of transaction: Running, _ now: UInt64) {
        for requestID in transaction.openRequests {
            guard let request = requests.removeValue(forKey: requestID), !request.request.kind.isReadOnly else {
                continue
            }
            // Nobody knows what it will do, and when.
            outbox.alarms.append("transaction \(transaction.id) ended with an open request: \(request.request)")
            settle(request, now)
        }
        transaction.openRequests = []
    }
}
