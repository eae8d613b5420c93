import EventLoop
import Protocol

/// Where the shards are, as the registry last said.
struct ShardAddresses {
    private var addresses: [[SocketAddress]] = Array(repeating: [], count: ShardID.count)
    private var all: Set<SocketAddress> = []
    private var turn = 0

    /// Number of shards without a known address.
    var unknownCount: Int { addresses.count { $0.isEmpty } }

    /// Whether it is an address of a shard.
    func contains(_ address: SocketAddress) -> Bool { all.contains(address) }

    /// One of the shard's addresses, in turn; nil when none is known.
    mutating func address(of shard: ShardID) -> SocketAddress? {
        let known = addresses[Int(shard.rawValue)]
        guard !known.isEmpty else { return nil }
        turn &+= 1
        return known[turn % known.count]
    }

    /// Takes over a LOCAL_SHARDS answer, one element per shard. A shard that the registry has forgotten keeps what we
    /// know.
    mutating func update(_ shards: [ShardInfo]) {
        guard shards.count == ShardID.count else { return }
        for (number, shard) in shards.enumerated() {
            let known = [shard.addrs.addr1, shard.addrs.addr2].filter { $0.port != 0 }
                .map { SocketAddress(address: $0.addrs.rawValue, port: $0.port) }
            if !known.isEmpty { addresses[number] = known }
        }
        all = Set(addresses.joined())
    }
}
