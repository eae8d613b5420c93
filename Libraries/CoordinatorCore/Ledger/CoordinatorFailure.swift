import Protocol
import Store

/// Why a coordinator cannot go on. Each of them stops this replica cleanly. Neither a client nor a shard can cause one.
public enum CoordinatorFailure: Error, CustomStringConvertible {
    case store(StoreError)
    /// The log holds an entry this version does not understand: a newer version wrote it, or the disk lost bits.
    case unknownEntry(LogIndex, DecodeError)
    /// A key or value of the state store is not what this version writes.
    case corruptState(String)
    /// A record of our own does not fit its encoding.
    case unencodable(EncodeError)

    public var description: String {
        switch self {
        case .store(let error): "coordinator: \(error)"
        case .unknownEntry(let index, let error):
            "coordinator: log entry \(index) cannot be decoded (\(error)); was it written by a newer version?"
        case .corruptState(let text): "coordinator: state store: \(text)"
        case .unencodable(let error): "coordinator: a log record cannot be encoded: \(error)"
        }
    }
}
