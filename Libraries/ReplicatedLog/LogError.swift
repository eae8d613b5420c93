import Protocol

/// Why a log cannot go on. A log that failed once accepts nothing more until it is opened anew: after a failed write or
/// sync nobody knows what the disk holds.
public enum LogError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The operating system refused a read, a write or a sync.
    case inputOutput(String)
    /// The disk has lost what should be read: another place may still have it.
    case unreadable(String)
    /// The disk is full, or the log has reached its configured size because its state is not being flushed. Nothing
    /// was written; it may be tried again.
    case noSpace(String)
    /// Entries that were durable once are damaged or missing.
    case corruption(String)
    /// The newest entries are damaged, and it cannot be told whether they were durable once.
    case inDoubt(String)
    /// Another process has this log open.
    case locked(String)
    /// The state says that there must be a log, and there is none.
    case missing(String)
    /// The log was closed.
    case closed

    public var description: String {
        switch self {
        case .inputOutput(let text): "log input/output error: \(text)"
        case .unreadable(let text): "log cannot be read: \(text)"
        case .noSpace(let text): "no space left for the log: \(text)"
        case .corruption(let text): "log is corrupt: \(text)"
        case .inDoubt(let text): "log may have lost its end: \(text)"
        case .locked(let text): "log is in use elsewhere: \(text)"
        case .missing(let text): "log is missing: \(text)"
        case .closed: "log is closed"
        }
    }
}
