import Consensus
import Protocol

/// The log of a process: one store, one writer thread, any number of groups on any number of loops.
///
/// While one sync is in flight the entries of all groups gather; then they go out in one write and one sync (group
/// commit). Open the store, `replay` it, then hand it to a host. Thread-safe.
///
/// While the disk is full the host keeps what it has, takes no more proposals, and goes on by itself when there is room.
public final class LogHost: Sendable {
    private let queue: LogQueue
    private let thread: any WriterThread
    private let writeBytes: Int

    /// Starts the writer, to which the store belongs from now on: the caller must not use it any more. It must have been
    /// replayed.
    ///
    /// - Parameter onShortage: called on the writer's thread when the disk becomes full, with the reason, and with nil
    ///   when there is room again.
    public init(
        store: any LogStore, on thread: any WriterThread = SystemWriterThread(),
        onShortage: @escaping @Sendable (String?) -> Void = { _ in }
    ) throws(LogError) {
        let writer = LogWriter(store, onShortage: onShortage)
        queue = writer.queue
        writeBytes = writer.writeBytes
        self.thread = thread
        try thread.start { writer.piece() }
    }

    /// A lane for the groups of one loop.
    public func lane(_ loop: LaneLoop) -> LogLane {
        let lane = LogLane(host: self, loop)
        let (failure, isShort) = queue.add(lane)
        if let failure { lane.receive(.failed(failure)) }
        if isShort { lane.receive(.room(false)) }
        return lane
    }

    /// The state of each named group is durable up to the given entry; the log before it may go.
    public func trim(through indices: [LogGroupID: LogIndex]) {
        if queue.add(trims: indices) { thread.wake() }
    }

    /// Bytes that the retained entries take on disk: flush the state and trim when it grows large.
    public var retainedBytes: Int { queue.retainedBytes.load(ordering: .relaxed) }
    /// Why nothing can be written now: the disk is full. Nil when it can.
    public var shortage: String? { queue.shortage }
    /// Syncs so far, and the entries they carried.
    public var counters: (syncs: UInt64, entries: UInt64) {
        (queue.syncs.load(ordering: .relaxed), queue.entries.load(ordering: .relaxed))
    }

    /// Makes durable what was submitted, reports it, closes the store and waits for the writer to end.
    public func close() {
        if queue.close() { thread.wake() }
        thread.join()
    }

    func read(_ read: LogRead) {
        if queue.add(read) { thread.wake() }
    }

    /// Whether what has to become durable has not moved on for a second: then nobody may rely on this process.
    func standsStill(at now: BootInstant) -> Bool { queue.standsStill(at: now) }

    func submit(_ batch: LogBatch, from lane: LogLane) {
        if queue.add(batch.split(atBytes: writeBytes), from: lane) { thread.wake() }
    }
}
