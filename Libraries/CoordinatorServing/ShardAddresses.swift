import Client
import EventLoop
import Protocol

/// Where the shards are, as the registry last said.
package struct ShardAddresses {
    private var addresses: [AddrsInfo?] = Array(repeating: nil, count: ShardID.count)
    private var shards: [SocketAddress: ShardID] = [:]
    private var ways = ServiceWays<ShardID>()

    package init() {}

    /// Number of shards without a known address.
    var unknownCount: Int { addresses.count { $0 == nil } }

    /// Whether it is an address of a shard.
    func contains(_ address: SocketAddress) -> Bool { shards[address] != nil }

    /// Where to send the attempt of this number, from 0: repetitions go all ways. Empty when no address is known.
    package func addresses(of shard: ShardID, attempt: Int) -> [SocketAddress] {
        let known = addresses[Int(shard.rawValue)].map { ways.addresses(of: shard, at: $0) } ?? []
        return attempt == 0 ? Array(known.prefix(1)) : known
    }

    /// A shard has answered from this address.
    mutating func answered(from sender: SocketAddress) {
        guard let shard = shards[sender], let both = addresses[Int(shard.rawValue)] else { return }
        ways.answered(shard, at: both, from: sender)
    }

    /// Takes over a LOCAL_SHARDS answer, one element per shard. A shard that the registry has forgotten keeps what we
    /// know.
    package mutating func update(_ shards: [ShardInfo]) {
        guard shards.count == ShardID.count else { return }
        for (number, shard) in shards.enumerated() where shard.addrs.addr1.port != 0 {
            if addresses[number] != shard.addrs { ways.moved(ShardID(rawValue: UInt8(number))) }
            addresses[number] = shard.addrs
        }
        self.shards = [:]
        for (number, both) in addresses.enumerated() {
            for address in [both?.addr1, both?.addr2].compactMap({ $0 }) where address.port != 0 {
                self.shards[SocketAddress(address)] = ShardID(rawValue: UInt8(number))
            }
        }
    }
}
