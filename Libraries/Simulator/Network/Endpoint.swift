import EventLoop
import Protocol

/// Something with an address.
enum Endpoint: Hashable, CustomStringConvertible {
    case client(Int)
    case shard(ShardID)
    /// The coordinator, as its clients know it.
    case coordinator
    /// The socket from which the coordinator talks to shards.
    case coordinatorBack
    /// The socket of a shard process for the registry.
    case shardProcess(Int)
    case registry
    case blockServer(Int)
    /// A process with replicas, for its peers.
    case replica(Int)
    /// Who tells the registry where a process listens.
    case announcer(MachineID)

    var description: String {
        switch self {
        case .replica(let number): "replica \(number)"
        case .client(let number): "client \(number)"
        case .shard(let shard): "shard \(shard)"
        case .coordinator, .coordinatorBack: "cdc"
        case .shardProcess(let number): "shards' process \(number)"
        case .registry: "registry"
        case .blockServer(let number): "blocks \(number)"
        case .announcer(let machine): "\(machine)"
        }
    }
}

extension Endpoint {
    private static let firstClient: UInt32 = 0x0a01_0000
    private static let coordinatorHost: UInt32 = 0x0a02_0000

    /// Where those who ask services listen; nil for all others.
    var socketAddress: SocketAddress? {
        switch self {
        case .client(let number): SocketAddress(address: Self.firstClient + UInt32(number), port: 1)
        case .coordinatorBack: SocketAddress(address: Self.coordinatorHost, port: 1)
        default: nil
        }
    }

    init?(_ address: SocketAddress) {
        switch address.address {
        case Self.firstClient..<Self.coordinatorHost: self = .client(Int(address.address - Self.firstClient))
        case Self.coordinatorHost: self = .coordinatorBack
        default: return nil
        }
    }
}

/// What crashes as one, has one clock, and is cut off from the others as one.
enum MachineID: Hashable, CustomStringConvertible {
    case client(Int)
    case shards(Int)
    case coordinator
    case registry
    case blocks(Int)
    case replica(Int)

    var description: String {
        switch self {
        case .replica(let number): "replica \(number)"
        case .client(let number): "client \(number)"
        case .shards(let number): "shards' machine \(number)"
        case .coordinator: "cdc"
        case .registry: "registry"
        case .blocks(let number): "blocks \(number)"
        }
    }
}
