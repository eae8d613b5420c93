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

    var description: String {
        switch self {
        case .client(let number): "client \(number)"
        case .shard(let shard): "shard \(shard)"
        case .coordinator, .coordinatorBack: "cdc"
        case .shardProcess(let number): "shards' process \(number)"
        case .registry: "registry"
        case .blockServer(let number): "blocks \(number)"
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

    var description: String {
        switch self {
        case .client(let number): "client \(number)"
        case .shards(let number): "shards' machine \(number)"
        case .coordinator: "cdc"
        case .registry: "registry"
        case .blocks(let number): "blocks \(number)"
        }
    }
}
