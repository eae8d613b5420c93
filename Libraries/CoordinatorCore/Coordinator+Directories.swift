import Mutations
import Protocol

extension Coordinator {
    /// Keeps enough ids in hand that no mkdir has to wait for the log.
    func reserveDirectories() {
        guard isLeading, !isReserving, freeDirectories.count <= options.directoryReservation / 2 else { return }
        isReserving = true
        let last = ledger.lastReserved.rawValue &+ UInt64(options.directoryReservation)
        pending.addUrgent(.reserveDirectories(through: InodeID(rawValue: last)))
        firstReserved = ledger.lastReserved.rawValue &+ 1
    }

    func reserved(through last: InodeID, _ now: UInt64) {
        guard isReserving else { return }
        isReserving = false
        // Taken from the end, so that ids ascend.
        let numbers = (firstReserved...last.rawValue).reversed().map(InodeID.init(rawValue:))
        freeDirectories.insert(contentsOf: numbers, at: 0)
        let waiting = waitingForDirectory
        waitingForDirectory = []
        for id in waiting {
            guard let transaction = running[id] else { continue }
            allocateDirectory(for: transaction, now)
        }
    }

    func allocateDirectory(for transaction: Running, _ now: UInt64) {
        while let directory = freeDirectories.popLast() {
            // Others can see the directory before its mkdir has ended; they wait for that. Nobody knows the id yet, but
            // somebody may have made it up: then it is given up. So it is where too many wait for its shard already.
            guard hasRoom(at: directory.shard), locks.extend(transaction.id, by: .exclusive(directory)) else {
                pending.addLazy(.directoriesDropped([directory]), deadline: now &+ options.lazyRecordDelayNanoseconds)
                continue
            }
            perform(transaction, now) { $0.allocated(directory, &$1) }
            return reserveDirectories()
        }
        waitingForDirectory.append(transaction.id)
        reserveDirectories()
    }

    /// Gives ids back that were never used, so that the next start has nothing to look up: for a clean shutdown.
    public func releaseUnusedDirectories() {
        guard !freeDirectories.isEmpty else { return }
        pending.addUrgent(.directoriesDropped(freeDirectories.reversed()))
        freeDirectories = []
    }

    /// Takes up what an earlier leader left: begun transactions first, then ids in doubt.
    func recover(_ now: UInt64) throws(CoordinatorFailure) {
        for (id, begun) in ledger.begun.sorted(by: { $0.key < $1.key }) {
            guard begun.directory.isNull else {
                recoverDirectory(begun.directory, maker: id, begun)
                continue
            }
            do throws(ProtocolError) {
                add(try machine(for: begun.request, isRecovered: true), origin: begun.origin, isLogged: true, id: id)
            } catch {
                outbox.alarms.append("transaction \(id) of the log is of a kind that has no record: \(error)")
            }
        }
        for directory in ledger.reserved.sorted() where !recovering.contains(directory) {
            if Mutation.reservedDirectoriesAreForgotten.isPlanted { continue }
            recoverDirectory(directory)
        }
        try runAll(now)
    }

    /// - Parameter maker: the mkdir that used the id, if its begin record got into the log.
    private func recoverDirectory(
        _ directory: InodeID, maker: TransactionID? = nil, _ begun: CoordinatorLedger.BegunTransaction? = nil
    ) {
        recovering.insert(directory)
        let recovery = DirectoryRecovery(
            of: directory, making: begun.flatMap { DirectoryMaking($0.request) }, defaultInfo: options.defaultInfo)
        add(recovery, origin: begun?.origin, isLogged: maker != nil, id: maker)
    }

    func endRecovery(of directory: InodeID) {
        guard recovering.remove(directory) != nil, !waitingForRecovery.isEmpty else { return }
        runnable += waitingForRecovery
        waitingForRecovery = []
    }
}
