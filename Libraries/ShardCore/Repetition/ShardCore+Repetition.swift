import Mutations
import Protocol

extension ShardKind {
    /// Whether a copy of such a request that comes after later ones would act again or turn something back. The table
    /// in README.md says why each other kind is harmless.
    var isHarmfulLate: Bool {
        switch self {
        case .setTime, .setAttributes: !Mutation.lateChangesActAgain.isPlanted
        case .setDirectoryInfo, .swapBlocks, .swapSpans, .moveSpan: true
        // Harmless, but the answer to a copy could not be told from what there is.
        case .referSpans: true
        case .executeOnce, .closeSequences: false
        default: isPrivileged
        }
    }

    /// Whether the coordinator may ask for it by number: all that it writes. The answers to these follow from the state
    /// alone, so that every replica remembers the same.
    var isForCoordinator: Bool {
        switch self {
        case .executeOnce, .closeSequences: false
        case .removeInode: true
        default: isPrivileged
        }
    }
}

extension ShardCore {
    /// EXECUTE_ONCE: the entry of the request in it, to be carried out once.
    func prepareOnce(_ envelope: ExecuteOnceRequest, at now: Timestamp) throws(ShardFailure) -> ShardLogEntry {
        guard isPlausible(envelope.sequence, closing: envelope.closed),
            let kind = ShardKind(rawValue: envelope.kind), kind.isForCoordinator,
            let request = envelope.body.withUnsafeBytes({ body in
                try? AnyShardRequest.decode(kind: kind.rawValue, body: body)
            })
        else { throw .refused(.malformedRequest) }
        var entry = try prepare(request, isPrivileged: true, at: now)
        entry.repetition = .sequence(envelope.sequence, closed: envelope.closed)
        return entry
    }

    func check(_ request: CloseSequencesRequest) throws(ShardFailure) {
        // Without a number yet there is nothing to close.
        guard request.through == 0 || RepetitionLimits.isPlausible(request.through, after: state.progress.closedSequence)
        else { throw .refused(.malformedRequest) }
    }

    private func isPlausible(_ sequence: UInt64, closing closed: UInt64) -> Bool {
        RepetitionLimits.isPlausible(sequence, closing: closed, after: state.progress.closedSequence)
    }

    /// CLOSE_SEQUENCES. A late one closes nothing that is not closed.
    func closeSequences(_ request: CloseSequencesRequest) throws(ShardFailure) -> CloseSequencesResponse {
        try check(request)
        state.close(through: request.through)
        return CloseSequencesResponse()
    }

    /// Carries an entry out if it is no copy; all but its changes to the state themselves.
    func carryOutOnce(_ entry: ShardLogEntry) throws(ShardStateError) -> ShardReply {
        switch entry.repetition {
        case nil: try carryOut(entry)
        case .sequence(let sequence, let closed): try carryOutOnce(sequence, closing: closed, entry)
        case .request(let key): try carryOutOnce(key, entry)
        }
    }

    private func carryOutOnce(
        _ sequence: UInt64, closing closed: UInt64, _ entry: ShardLogEntry
    ) throws(ShardStateError) -> ShardReply {
        guard isPlausible(sequence, closing: closed) else { return .refused(.malformedRequest) }
        guard sequence > state.progress.closedSequence else { return .refused(.requestIsStale) }
        if state.executed.contains(sequence) { return enveloped(try state.reply(to: sequence)) }
        let open = state.executed.count - state.executed.upTo(closed).count
        guard open < RepetitionLimits.executed else { return .refused(.internalError) }
        let reply = try remembered(try carryOut(entry))
        state.close(through: closed)
        try state.remember(reply, for: sequence)
        return enveloped(reply)
    }

    private func enveloped(_ reply: RememberedReply) -> ShardReply {
        .response(.executeOnce(ExecuteOnceResponse(kind: reply.kind, body: reply.body)))
    }

    private func carryOutOnce(_ key: RequestKey, _ entry: ShardLogEntry) throws(ShardStateError) -> ShardReply {
        if let earlier = try state.reply(to: key) {
            guard let reply = earlier.reply else { throw .corruptRecord(key: state.keys.recent(key)) }
            return reply
        }
        let reply = try carryOut(entry)
        if isWorthRemembering(reply, entry) { try state.remember(try remembered(reply), for: key, at: entry.now) }
        return reply
    }

    /// A refused request changed nothing, and its sender may well try it again under the same id. Only a coordinator
    /// counts on what it was told finally: it does not expect the request to succeed later.
    private func isWorthRemembering(_ reply: ShardReply, _ entry: ShardLogEntry) -> Bool {
        guard case .refused(let code) = reply else { return true }
        guard case .request(let request) = entry.action, request.kind.isPrivileged else { return false }
        switch code {
        case .mtimeIsTooRecent, .moreRecentSnapshotEdge, .moreRecentCurrentEdge, .nameIsLocked, .internalError:
            return false
        default: return true
        }
    }

    private func remembered(_ reply: ShardReply) throws(ShardStateError) -> RememberedReply {
        do throws(EncodeError) {
            return try RememberedReply(reply)
        } catch {
            throw .unencodable(error)
        }
    }
}
