import Protocol

// The numbers by which shards tell copies of a request from new ones (README.md, "Exactly once").

extension Coordinator {
    /// Sees to it that numbers are at hand. They are reserved in the log, so that none is ever used by two leaders.
    func reserveSequences() {
        guard isLeading, !isReservingSequences else { return }
        isReservingSequences = true
        let last = max(ledger.lastSequence, nextSequence &- 1)
        pending.addUrgent(.reserveSequences(through: last &+ options.sequenceReservation))
    }

    func reserved(sequencesThrough last: UInt64, _ now: UInt64) {
        guard isReservingSequences else { return }
        isReservingSequences = false
        lastSequence = last
        for index in channels.indices { resume(index, now) }
    }

    /// A number that was never used; nil when that has to wait for the log.
    func takeSequence() -> UInt64? {
        if lastSequence &- nextSequence < options.sequenceReservation / 2 || nextSequence > lastSequence {
            reserveSequences()
        }
        guard nextSequence <= lastSequence else { return nil }
        defer { nextSequence &+= 1 }
        return nextSequence
    }

    /// A shard has closed a number that was in use: it has heard of later ones, because our state comes from an older
    /// backup, or a stranger has told it. Later ones are taken from now on. Reserving them goes through the log, so a
    /// leader that has a successor gets none.
    func leap(past sequence: UInt64, at shard: ShardID) {
        guard sequence >= leaptTo else { return }
        let index = Int(shard.rawValue)
        // Twice as far each time: however far the shard is, it is reached soon.
        let distance = min(options.sequenceReservation << min(channels[index].leaps, 31), Self.longestLeap)
        channels[index].leaps += 1
        nextSequence = max(nextSequence, lastSequence &+ 1) &+ distance
        leaptTo = nextSequence
        reserveSequences()
    }

    private static let longestLeap: UInt64 = 1 << 42

    /// Every number up to here is durably reserved.
    package var reservedSequences: UInt64 { ledger.lastSequence }

    /// The shard will not carry the request out any more, or has and remembers it.
    func settle(_ request: ShardRequest, _ now: UInt64) {
        guard let sequence = request.sequence else { return }
        let index = Int(request.shard.rawValue)
        channels[index].open.settle(sequence)
        resume(index, now)
    }

    /// Lets requests to a shard go that waited for what may be there now.
    private func resume(_ shard: Int, _ now: UInt64) {
        guard !channels[shard].waiting.isEmpty else { return }
        let waiting = channels[shard].waiting
        channels[shard].waiting = []
        for requestID in waiting {
            guard let request = requests[requestID] else { continue }
            dispatch(requestID, request, now)
        }
    }

    /// Whether a request may go out; gives a write its number. Otherwise it goes on when the shard's channel resumes.
    func admit(_ request: inout ShardRequest, _ now: UInt64) -> Bool {
        guard numbersRequests else { return true }
        if case .fence = request.purpose { return true }
        let index = Int(request.shard.rawValue)
        if request.request.kind.isReadOnly {
            if channels[index].fence == .none { sendFence(to: request.shard, now) }
            return channels[index].fence == .stands
        }
        let hasRoom = channels[index].open.span < options.maximumOpenSequences
        if request.sequence == nil, hasRoom, let sequence = takeSequence() {
            request.sequence = sequence
            channels[index].open.append(sequence)
        }
        return request.sequence != nil
    }

    private func sendFence(to shard: ShardID, _ now: UInt64) {
        channels[Int(shard.rawValue)].fence = .asked
        let close = CloseSequencesRequest(through: firstSequence &- 1)
        let requestID = nextRequestID
        nextRequestID &+= 1
        let request = ShardRequest(
            purpose: .fence, shard: shard, request: .closeSequences(close), nextSend: now,
            interval: options.shardTimeoutNanoseconds)
        statistics.shardRequests += 1
        dispatch(requestID, request, now)
    }

    func fenceStands(at shard: ShardID, _ now: UInt64) {
        let index = Int(shard.rawValue)
        channels[index].fence = .stands
        resume(index, now)
    }

    /// What goes into the packet: a write in the envelope that carries its number.
    func packet(_ request: ShardRequest) throws(EncodeError) -> AnyShardRequest {
        guard let sequence = request.sequence else {
            // There are networks that drop what does not fit a frame.
            if request.attempts >= 2, case .fullReadDir(var listing) = request.request {
                listing.mtu = min(listing.mtu, 1472)
                return .fullReadDir(listing)
            }
            return request.request
        }
        let inner = request.request
        let body = try encodedBytes(capacity: inner.encodedSize) { (writer) throws(EncodeError) in
            try inner.encode(into: &writer)
        }
        let lowest = channels[Int(request.shard.rawValue)].open.lowest ?? sequence
        return .executeOnce(
            ExecuteOnceRequest(sequence: sequence, closed: lowest &- 1, kind: inner.kind.rawValue, body: body))
    }
}

extension ExecuteOnceResponse {
    /// The answer in the envelope; nil when it is none of a request of that kind.
    func answer(to kind: ShardKind) -> ShardAnswer? {
        body.withUnsafeBytes { raw in
            if self.kind == 0 { return (try? ProtocolError(decoding: raw)).map(ShardAnswer.failure) }
            guard self.kind == kind.rawValue else { return nil }
            return (try? AnyShardResponse.decode(kind: self.kind, body: raw)).map(ShardAnswer.success)
        }
    }
}
