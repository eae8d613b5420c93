/// Why a store could not do what it was asked. Nothing that a disk returns may trap: it ends up here.
public enum StoreError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The bytes on disk contradict themselves (checksum, format). Never retried.
    case corruption(String)
    /// The operating system refused a read or a write.
    case inputOutput(String)
    /// The disk is full.
    case noSpace(String)
    /// The process or the system has no descriptors or memory left. No fault of the disk: it may be tried again.
    case exhausted(String)
    /// Another process (or another object of this one) has the same directory open.
    case locked(String)
    /// The directory, an option or an argument is not usable as given.
    case invalid(String)
    /// A durable write was asked of a store that has no write-ahead log; `flush()` is the way to make it durable.
    case withoutWriteAheadLog
    /// The store was closed before this call.
    case closed

    public var description: String {
        switch self {
        case .corruption(let text): "store is corrupt: \(text)"
        case .inputOutput(let text): "store input/output error: \(text)"
        case .noSpace(let text): "no space left for the store: \(text)"
        case .exhausted(let text): "nothing left to open the store with: \(text)"
        case .locked(let text): "store is in use elsewhere: \(text)"
        case .invalid(let text): "store: \(text)"
        case .withoutWriteAheadLog: "store has no write-ahead log, so one write cannot be made durable"
        case .closed: "store is closed"
        }
    }
}
