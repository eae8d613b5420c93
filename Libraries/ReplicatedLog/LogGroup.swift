import DequeModule
import Mutations
import Protocol

/// One replica of one log group, without I/O, threads or clock: entries are proposed, become durable, become committed
/// and are delivered in index order, without gaps, each once.
///
/// The owner moves what `takeAppends()` returns to disk and reports back with `persisted(through:)`; then it takes
/// deliveries with `takeCommitted()`. This group has a single replica, so what is durable here is committed. Contract:
/// metadata.md E.9.
public struct LogGroup {
    public enum Role: Equatable, Sendable {
        /// Takes proposals.
        case leader
        /// Failed: takes nothing and delivers nothing more. What was in flight is neither done nor undone; clients
        /// retry.
        case stopped(LogError)
    }

    public let id: LogGroupID
    public let limits: LogLimits
    public private(set) var role = Role.leader
    /// The last entry proposed.
    public private(set) var lastIndex: LogIndex
    /// Everything up to here is on this replica's disk.
    public private(set) var durableIndex: LogIndex
    /// Everything up to here is final.
    public private(set) var committedIndex: LogIndex
    /// Everything up to here has been handed to the state machine.
    public private(set) var deliveredIndex: LogIndex

    /// The entries after `deliveredIndex`.
    private var window = Deque<LogEntry>()
    private var windowBytes = 0
    /// How many at the end of the window have not been taken by `takeAppends()`.
    private var untaken = 0

    /// - Parameter delivered: the last entry the state machine has after replay, which is the last one in the log.
    public init(id: LogGroupID, delivered: LogIndex, limits: LogLimits = LogLimits()) {
        self.id = id
        self.limits = limits
        lastIndex = delivered
        durableIndex = delivered
        committedIndex = delivered
        deliveredIndex = delivered
    }

    /// The index that the next accepted proposal gets.
    public var nextIndex: LogIndex { lastIndex.next }
    /// Entries proposed and not yet delivered.
    public var inFlightCount: Int { window.count }

    /// Takes an entry and says where in the log it will be, if it ever is.
    public mutating func propose(_ bytes: [UInt8]) throws(ProposalRefusal) -> LogIndex {
        if case .stopped(let error) = role { throw .stopped(error) }
        guard bytes.count <= limits.entryBytes else { throw .entryTooLarge(byteCount: bytes.count) }
        let fits = window.count < limits.windowEntries && windowBytes + bytes.count <= limits.windowBytes
        guard window.isEmpty || fits else {
            if Mutation.refusalsTakeAnIndex.isPlanted { lastIndex = lastIndex.next }
            throw .windowFull
        }
        lastIndex = lastIndex.next
        window.append(LogEntry(index: lastIndex, bytes: bytes))
        windowBytes += bytes.count
        untaken += 1
        return lastIndex
    }

    /// Hands over the entries proposed since the last call, in order: they have to become durable next.
    public mutating func takeAppends(_ body: (LogEntry) -> Void) {
        let first = window.count - untaken
        untaken = 0
        for position in first..<window.count { body(window[position]) }
    }

    /// Everything up to `index` is on disk now. Reports may be repeated; they never go backwards.
    public mutating func persisted(through index: LogIndex) {
        guard role == .leader, index > durableIndex else { return }
        precondition(index <= lastIndex, "more became durable than was proposed")
        durableIndex = index
        committedIndex = Mutation.deliversBeforeDurable.isPlanted ? lastIndex : index
    }

    /// The next entry for the state machine, nil when there is none. Each is returned once.
    public mutating func takeCommitted() -> LogEntry? {
        guard role == .leader, deliveredIndex < committedIndex, let entry = window.popFirst() else { return nil }
        windowBytes -= entry.bytes.count
        deliveredIndex = entry.index
        return entry
    }

    /// The disk failed. Nothing that is in flight will be delivered.
    public mutating func stop(_ error: LogError) {
        guard role == .leader else { return }
        role = .stopped(error)
        window.removeAll()
        windowBytes = 0
        untaken = 0
    }
}
