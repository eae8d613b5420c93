import Protocol
import ShardCore

/// Why the process ends.
enum ShardHostError: Error, CustomStringConvertible {
    case shardFailed(ShardID, ShardStateError)
    case registrationRefused(ShardID, ProtocolError)
    case noRoomToFlush

    var description: String {
        switch self {
        case .shardFailed(let shard, let error): "shard \(shard) cannot go on: \(error)"
        case .registrationRefused(let shard, let code): "the registry does not accept shard \(shard): \(code)"
        case .noRoomToFlush: "there is no room for it on the disk"
        }
    }
}
