import Mutations

/// Who holds and who awaits which resource.
///
/// A transaction claims everything it will ever need in one call, so all queues agree on who came first: no deadlock,
/// and nobody starves (spec D.4).
package struct LockTable {
    private struct Waiter {
        var transaction: TransactionID
        var isExclusive: Bool
    }

    private struct Queue {
        var sharedHolders = 0
        var isHeldExclusively = false
        var waiters: [Waiter] = []

        func admits(exclusive: Bool) -> Bool {
            if Mutation.locksExcludeNobody.isPlanted { return true }
            return !isHeldExclusively && (!exclusive || sharedHolders == 0)
        }

        mutating func grant(exclusive: Bool) {
            if exclusive { isHeldExclusively = true } else { sharedHolders += 1 }
        }

        var isUnused: Bool { sharedHolders == 0 && !isHeldExclusively && waiters.isEmpty }
    }

    package init() {}

    private var queues: [LockableResource: Queue] = [:]
    private var claims: [TransactionID: [LockClaim]] = [:]
    /// For each waiting transaction, the number of resources it has not got yet.
    private var missing: [TransactionID: Int] = [:]

    /// Whether nobody holds or awaits anything.
    package var isEmpty: Bool { queues.isEmpty && claims.isEmpty }

    /// Claims all of `wanted` for `transaction`; true when it holds everything at once.
    package mutating func acquire(_ wanted: [LockClaim], for transaction: TransactionID) -> Bool {
        precondition(claims[transaction] == nil, "a transaction claims its locks once")
        let wanted = Self.merged(wanted)
        var lacking = 0
        for claim in wanted {
            let exclusive = claim.isExclusive
            var queue = queues[claim.resource] ?? Queue()
            if queue.waiters.isEmpty && queue.admits(exclusive: exclusive) {
                queue.grant(exclusive: exclusive)
            } else {
                queue.waiters.append(Waiter(transaction: transaction, isExclusive: exclusive))
                lacking += 1
            }
            queues[claim.resource] = queue
        }
        claims[transaction] = wanted
        if lacking > 0 { missing[transaction] = lacking }
        return lacking == 0
    }

    /// Gives `transaction`, which must have claimed its locks, one more of something that nobody else holds or awaits;
    /// false, and nothing is claimed, if somebody does. It never waits: a second claim could wait for ever.
    package mutating func extend(_ transaction: TransactionID, by claim: LockClaim) -> Bool {
        precondition(claims[transaction] != nil, "only a transaction that claimed its locks gets another")
        guard queues[claim.resource] == nil else { return false }
        var queue = Queue()
        queue.grant(exclusive: claim.isExclusive)
        queues[claim.resource] = queue
        claims[transaction]?.append(claim)
        return true
    }

    /// Gives everything back that `transaction`, which must hold all it claimed, has; returns who can run now, in
    /// order.
    package mutating func release(_ transaction: TransactionID) -> [TransactionID] {
        precondition(missing[transaction] == nil, "only a transaction that ran gives locks back")
        var runnable: [TransactionID] = []
        for claim in claims.removeValue(forKey: transaction) ?? [] {
            guard var queue = queues.removeValue(forKey: claim.resource) else { continue }
            if claim.isExclusive { queue.isHeldExclusively = false } else { queue.sharedHolders -= 1 }
            runnable += admitWaiters(&queue)
            if !queue.isUnused { queues[claim.resource] = queue }
        }
        return runnable
    }

    private mutating func admitWaiters(_ queue: inout Queue) -> [TransactionID] {
        var admitted = 0
        var runnable: [TransactionID] = []
        for waiter in queue.waiters {
            guard queue.admits(exclusive: waiter.isExclusive) else { break }
            queue.grant(exclusive: waiter.isExclusive)
            admitted += 1
            let left = (missing[waiter.transaction] ?? 1) - 1
            missing[waiter.transaction] = left == 0 ? nil : left
            if left == 0 { runnable.append(waiter.transaction) }
        }
        queue.waiters.removeFirst(admitted)
        return runnable
    }

    /// One claim per resource, the stronger one where there are two.
    private static func merged(_ wanted: [LockClaim]) -> [LockClaim] {
        var result: [LockClaim] = []
        for claim in wanted {
            if let index = result.firstIndex(where: { $0.resource == claim.resource }) {
                result[index].isExclusive = result[index].isExclusive || claim.isExclusive
            } else {
                result.append(claim)
            }
        }
        return result
    }
}
