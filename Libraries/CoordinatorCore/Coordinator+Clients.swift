import Protocol

extension Coordinator {
    /// A client's request has arrived. Its answer appears in the outbox, at once or later; a repetition of one that is
    /// under way is dropped, of one that is finished answered as before.
    ///
    /// - Parameter now: monotonic nanoseconds.
    public func receive(
        _ request: AnyCdcRequest, from origin: RequestOrigin, now: UInt64
    ) throws(CoordinatorFailure) {
        guard isLeading, origins[origin] == nil, running.count < options.maximumTransactions else {
            statistics.requestsDropped += 1
            return
        }
        if origin.isAwaited, let result = decidedReplies[origin] ?? ledger.replies.result(of: origin) {
            statistics.repliesRepeated += 1
            reply(result, to: origin)
            return
        }
        do throws(ProtocolError) {
            try request.validate()
            // It needs something of the shards that has no place in the base protocol.
            if !numbersRequests, request.needsExtensionOfShards { throw .unrecognizedRequest }
            let machine = try machine(for: request, isRecovered: false)
            guard !isTakenOver(machine) else { throw .fatalError }
            guard hasRoom(for: machine, of: origin) else {
                statistics.requestsDropped += 1
                statistics.requestsBeyondShare += 1
                return
            }
            add(machine, origin: origin, isLogged: false)
        } catch {
            reply(.failure(error), to: origin)
        }
        try runAll(now)
    }

    func reply(_ result: Result<AnyCdcResponse, ProtocolError>, to origin: RequestOrigin) {
        guard origin.isAwaited else { return }
        outbox.clientReplies.append(ClientReply(origin: origin, result: result))
    }

    func machine(
        for request: AnyCdcRequest, isRecovered: Bool
    ) throws(ProtocolError) -> any Transaction {
        switch request {
        case .makeDirectory(let request):
            MakeDirectoryTransaction(in: request.ownerId, DirectoryMaking(request), defaultInfo: options.defaultInfo)
        case .makeDirectoryExclusive(let request):
            MakeDirectoryTransaction(in: request.ownerId, DirectoryMaking(request), defaultInfo: options.defaultInfo)
        case .makeDirectoryWithAttributes(let request):
            MakeDirectoryTransaction(in: request.ownerId, DirectoryMaking(request), defaultInfo: options.defaultInfo)
        case .renameFile(let request):
            RenameTransaction(request, isRecovered: isRecovered)
        case .renameDirectory(let request):
            RenameTransaction(request, isRecovered: isRecovered)
        case .replaceDirectory(let request):
            ReplaceDirectoryTransaction(request, defaultInfo: options.defaultInfo, isRecovered: isRecovered)
        case .softUnlinkDirectory(let request):
            RemoveDirectoryTransaction(request, defaultInfo: options.defaultInfo, isRecovered: isRecovered)
        case .hardUnlinkDirectory(let request):
            HardUnlinkDirectoryTransaction(request)
        case .crossShardHardUnlinkFile(let request):
            CrossShardHardUnlinkFileTransaction(request, isRecovered: isRecovered)
        case .cdcSnapshot, .cdcReplicaStatus, .cdcSteer:
            throw .unrecognizedRequest
        }
    }

    /// Gives a transaction its number and its place in the lock queues.
    func add(_ machine: any Transaction, origin: RequestOrigin?, isLogged: Bool, id: TransactionID? = nil) {
        let number: TransactionID
        if let id {
            number = id
        } else {
            lastTransaction = lastTransaction.next
            number = lastTransaction
        }
        running[number] = Running(number, origin: origin, machine: machine, isLogged: isLogged)
        if let origin, origin.isAwaited { origins[origin] = number }
        shares.begin(number, of: origin?.host)
        for claim in machine.claims { shares.involve(claim.shard, in: number) }
        // Checked by an earlier leader; from now on others have to reckon with it.
        if isLogged, let move = machine.directoryMove { moves.begin(move, by: number) }
        if locks.acquire(machine.claims, for: number) { runnable.append(number) }
    }

    /// Starts everything that has its locks, including what becomes startable on the way.
    func runAll(_ now: UInt64) throws(CoordinatorFailure) {
        while !runnable.isEmpty {
            let batch = runnable
            runnable = []
            for id in batch {
                guard let transaction = running[id], !transaction.hasStarted else { continue }
                try start(transaction, now)
            }
        }
    }

    private func start(_ transaction: Running, _ now: UInt64) throws(CoordinatorFailure) {
        if !transaction.isLogged, let move = transaction.machine.directoryMove {
            guard moves.isTurn(of: transaction.id) else { return moves.wait(transaction.id) }
            switch try loopCheck(moving: move.target, to: move.newOwner) {
            case .clear: moves.begin(move, by: transaction.id)
            case .refused(let error): return end(transaction, TransactionOutcome(result: .failure(error)), now)
            case .inDoubt: return waitingForRecovery.append(transaction.id)
            case .dependsOnMoves: return moves.wait(transaction.id)
            }
        }
        transaction.hasStarted = true
        statistics.transactionsStarted += 1
        perform(transaction, now) { $0.start(&$1) }
    }
}

extension AnyCdcRequest {
    fileprivate var needsExtensionOfShards: Bool {
        switch self {
        case .replaceDirectory, .makeDirectoryWithAttributes: true
        default: false
        }
    }
}
