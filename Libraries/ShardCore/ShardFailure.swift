import Protocol
import Store

/// Why a shard cannot go on: its store fails, or holds or is given something this code does not understand.
///
/// Never a client's fault. The service answers INTERNAL_ERROR where somebody waits and, when it happened in `apply`,
/// stops this replica: going on would make it differ from the others.
public enum ShardStateError: Error, Equatable, Sendable {
    /// The store refused a read or a write.
    case store(StoreError)
    /// A record in the store is not what its key promises.
    case corruptRecord(key: [UInt8])
    /// A log entry of an unknown version or kind, or one that does not decode.
    case unknownEntry
    /// An entry came out of order: `expected` is the only index that may be applied next.
    case wrongIndex(expected: LogIndex, got: LogIndex)
    /// A value of our own does not fit its encoding.
    case unencodable(EncodeError)
}

/// Why a request has no response.
public enum ShardFailure: Error, Equatable, Sendable {
    /// The answer is this error (metadata.md B).
    case refused(ProtocolError)
    /// The body does not decode; such datagrams are dropped without an answer.
    case undecodable(DecodeError)
    /// The shard itself failed.
    case state(ShardStateError)
}

/// What an applied entry answers to whoever sent the request.
public enum ShardReply: Equatable, Sendable {
    case response(AnyShardResponse)
    case refused(ProtocolError)
}
