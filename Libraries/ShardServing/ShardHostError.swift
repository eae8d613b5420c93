import Protocol
import ShardCore

/// Why the process ends.
enum ShardHostError: Error, CustomStringConvertible {
    case shardFailed(ShardID, ShardStateError)
    case registrationRefused(ShardID, ProtocolError)

    var description: String {
        switch self {
        case .shardFailed(let shard, let error): "shard \(shard) cannot go on: \(error)"
        case .registrationRefused(let shard, let code): "the registry does not accept shard \(shard): \(code)"
        }
    }
}
