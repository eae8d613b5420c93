import Mutations
import Protocol

extension Coordinator {
    /// Lets a transaction take one step and carries out what it wants.
    func perform(
        _ transaction: Running, _ now: UInt64, _ step: (inout any Transaction, inout TransactionActions) -> Void
    ) {
        var actions = TransactionActions()
        step(&transaction.machine, &actions)
        for text in actions.alarms { outbox.alarms.append(text) }
        for request in actions.requests { send(request, for: transaction, now) }
        if actions.wantsBegin { begin(transaction) }
        if actions.wantsDirectoryID { allocateDirectory(for: transaction, now) }
        if let outcome = actions.outcome { end(transaction, outcome, now) }
    }

    private func begin(_ transaction: Running) {
        guard let request = transaction.machine.loggedRequest, let origin = transaction.origin else {
            preconditionFailure("only logged requests of clients begin")
        }
        transaction.isLogged = true
        transaction.awaitsBegin = true
        let directory = transaction.machine.loggedDirectory
        pending.addUrgent(.begin(transaction.id, origin: origin, request: request, directory: directory))
    }

    /// A transaction has done everything it had to. Its locks go at once: whoever comes next logs a begin record
    /// behind the records made here, or does only what is harmless should they get lost (README.md).
    func end(_ transaction: Running, _ outcome: TransactionOutcome, _ now: UInt64) {
        dropRequests(of: transaction, now)
        var reply: RememberedReply?
        if let origin = transaction.origin, origin.isAwaited, let result = outcome.result {
            reply = RememberedReply(origin: origin, result: result)
        }
        let isHeld = reply != nil && mustOutliveCrash(outcome, of: transaction)
        if isHeld {
            transaction.heldReply = outcome.result
        } else {
            answer(transaction, outcome.result)
        }
        record(transaction, outcome.change, reply, isUrgent: isHeld, now)
        runnable += locks.release(transaction.id)
        if let move = transaction.machine.directoryMove { runnable += moves.end(move, by: transaction.id) }
        if outcome.isFailure { statistics.transactionsFailed += 1 } else { statistics.transactionsSucceeded += 1 }
    }

    /// Whether the log has to know an answer before the client is told, because after a crash there could be another.
    /// A begun transaction that failed might succeed when it, or a late copy of its request, starts again; its success
    /// is found again. Of one that was not begun nothing is known then: a move that would have made a loop might be
    /// possible by the time a copy comes.
    private func mustOutliveCrash(_ outcome: TransactionOutcome, of transaction: Running) -> Bool {
        if transaction.isLogged { return outcome.isFailure }
        if case .failure(.loopInDirectoryRename)? = outcome.result, let move = transaction.machine.directoryMove {
            return !move.isAlwaysLoop
        }
        return transaction.machine.answerMustLast
    }

    func answer(_ transaction: Running, _ result: Result<AnyCdcResponse, ProtocolError>?) {
        running[transaction.id] = nil
        shares.end(transaction.id, of: transaction.origin?.host)
        guard let origin = transaction.origin else { return }
        origins[origin] = nil
        guard let result else { return }
        // It may have been done all the same. Whoever asks again is told, and looks what became of it.
        if transaction.hasStartedAgain, case .failure = result, !Mutation.doubtfulFailuresAreTold.isPlanted { return }
        reply(result, to: origin)
    }

    private func record(
        _ transaction: Running, _ change: LedgerChange, _ reply: RememberedReply?, isUrgent: Bool, _ now: UInt64
    ) {
        func log(_ record: LogRecord) {
            if let reply { decidedReplies[reply.origin] = reply.result }
            if isUrgent {
                pending.addUrgent(record)
            } else {
                pending.addLazy(record, deadline: now &+ options.lazyRecordDelayNanoseconds)
            }
        }
        switch change {
        case .directoryMade(let directory, let owner):
            decidedOwners.updateValue(owner, forKey: directory)
            log(.directoryMade(directory, owner: owner, reply))
            endRecovery(of: directory)
        case .directoryDropped(let directory):
            log(.directoriesDropped([directory]))
            if let reply { log(.finish(transaction.id, [], reply)) }
            endRecovery(of: directory)
        case .none, .parents:
            guard transaction.isLogged || isUrgent else { return }
            var parents: [ParentChange] = []
            if case .parents(let changes) = change { parents = changes }
            for change in parents { decide(change) }
            log(.finish(transaction.id, parents, reply))
        }
    }

    private func decide(_ change: ParentChange) {
        switch change {
        case .set(let directory, let owner): decidedOwners.updateValue(owner, forKey: directory)
        case .remove(let directory): decidedOwners.updateValue(nil, forKey: directory)
        }
    }
}

extension TransactionOutcome {
    var isFailure: Bool {
        if case .success? = result { return false }
        return true
    }
}
