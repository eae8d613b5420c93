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
        // A begun transaction that failed might succeed if it had to start again after a crash, so its client may not
        // be told before the log knows. Success cannot turn into anything else, nor can the failure of a mkdir: after a
        // crash it is only cleaned up.
        let isHeld = transaction.isLogged && outcome.isFailure && !outcome.dropsDirectory && transaction.origin != nil
        if isHeld {
            transaction.heldReply = outcome.result
        } else {
            answer(transaction, outcome.result)
        }
        record(transaction, outcome.change, reply, isUrgent: isHeld, now)
        runnable += locks.release(transaction.id)
        if outcome.isFailure { statistics.transactionsFailed += 1 } else { statistics.transactionsSucceeded += 1 }
    }

    func answer(_ transaction: Running, _ result: Result<AnyCdcResponse, ProtocolError>?) {
        running[transaction.id] = nil
        guard let origin = transaction.origin else { return }
        origins[origin] = nil
        if let result { reply(result, to: origin) }
    }

    private func record(
        _ transaction: Running, _ change: LedgerChange, _ reply: RememberedReply?, isUrgent: Bool, _ now: UInt64
    ) {
        let deadline = now &+ options.lazyRecordDelayNanoseconds
        switch change {
        case .directoryMade(let directory, let owner):
            decidedOwners.updateValue(owner, forKey: directory)
            pending.addLazy(.directoryMade(directory, owner: owner, reply), deadline: deadline)
            endRecovery(of: directory)
        case .directoryDropped(let directory):
            pending.addLazy(.directoriesDropped([directory]), deadline: deadline)
            if let reply { pending.addLazy(.finish(transaction.id, [], reply), deadline: deadline) }
            endRecovery(of: directory)
        case .none, .parents:
            guard transaction.isLogged || (reply != nil && transaction.machine.answerMustLast) else { return }
            var parents: [ParentChange] = []
            if case .parents(let changes) = change { parents = changes }
            for change in parents { decide(change) }
            let record = LogRecord.finish(transaction.id, parents, reply)
            if isUrgent { pending.addUrgent(record) } else { pending.addLazy(record, deadline: deadline) }
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

    var dropsDirectory: Bool {
        if case .directoryDropped = change { return true }
        return false
    }
}
