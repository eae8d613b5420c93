import Protocol

/// How many transactions have to do with each shard, and come from each host: a shard that is down, or a client that
/// asks for everything, must not use up what all others need.
struct TransactionShares {
    private var shards: [TransactionID: Set<ShardID>] = [:]
    private var perShard = [Int](repeating: 0, count: ShardID.count)
    private var perHost: [UInt64: Int] = [:]

    func count(of shard: ShardID) -> Int { perShard[Int(shard.rawValue)] }
    func count(of host: UInt64) -> Int { perHost[host] ?? 0 }

    mutating func begin(_ transaction: TransactionID, of host: UInt64?) {
        shards[transaction] = []
        if let host { perHost[host, default: 0] += 1 }
    }

    /// The transaction has to do with the shard from now on; idempotent.
    mutating func involve(_ shard: ShardID, in transaction: TransactionID) {
        guard shards[transaction]?.insert(shard).inserted == true else { return }
        perShard[Int(shard.rawValue)] += 1
    }

    mutating func end(_ transaction: TransactionID, of host: UInt64?) {
        guard let involved = shards.removeValue(forKey: transaction) else { return }
        for shard in involved { perShard[Int(shard.rawValue)] -= 1 }
        guard let host, let count = perHost[host] else { return }
        perHost[host] = count > 1 ? count - 1 : nil
    }
}

extension LockClaim {
    /// Where it is.
    var shard: ShardID {
        switch resource {
        case .name(let inode, _), .directory(let inode), .owner(let inode): inode.shard
        }
    }
}

extension Coordinator {
    /// Whether a shard may get another transaction to wait for.
    func hasRoom(at shard: ShardID) -> Bool {
        !isTakenOver(shard) && shares.count(of: shard) < options.maximumTransactionsPerShard
    }

    /// Whether there is room for a client's new transaction.
    func hasRoom(for machine: any Transaction, of origin: RequestOrigin) -> Bool {
        shares.count(of: origin.host) < options.maximumTransactionsPerHost
            && machine.claims.allSatisfy { hasRoom(at: $0.shard) }
    }
}
