import Protocol
import ShardCore

/// Why the process ends.
enum ShardHostError: Error, CustomStringConvertible {
    case shardFailed(ShardID, ShardStateError)
    case registrationRefused(ShardID, ProtocolError)
    case isNotFirst(ShardID)

    var description: String {
        switch self {
        case .shardFailed(let shard, let error): "shard \(shard) cannot go on: \(error)"
        case .isNotFirst(let shard):
            """
            shard \(shard) has been served before, and there is nothing of it here: start without --found to join the \
            other replicas, or bring back the data of this one
            """
        case .registrationRefused(let shard, let code): "the registry does not accept shard \(shard): \(code)"
        }
    }
}
