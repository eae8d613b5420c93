import Glibc
import Protocol
import Synchronization

/// What the writer tells a lane.
enum LogReport: Sendable {
    /// Everything up to these entries is durable.
    case durable([LogGroupID: LogIndex])
    /// Whether there is room on the disk for more.
    case room(Bool)
    /// Nothing more will become durable.
    case failed(LogError)
}

/// The log of a process: one store, one writer thread, any number of groups on any number of loops.
///
/// While one sync is in flight the entries of all groups gather; then they go out in one write and one sync (group
/// commit). Open the store, `replay` it, then hand it to a host. Thread-safe.
///
/// While the disk is full the host keeps what it has, takes no more proposals, and goes on by itself when there is room.
public final class LogHost: Sendable {
    private struct Queue {
        var submissions: [Submission] = []
        var trims: [LogGroupID: LogIndex] = [:]
        var lanes: [LogLane] = []
        var isSleeping = false
        var isClosing = false
        var failure: LogError?
        /// Why nothing can be written now, nil when it can.
        var shortage: String?
    }

    private struct Submission {
        let lane: LogLane
        let batch: LogBatch
    }

    /// The store, which belongs to the writer thread once that has started.
    ///
    /// `@unchecked Sendable`: whoever calls `init` gives the store away. (A `sending` parameter would say so to the
    /// compiler, but it takes a store for entangled with whatever the closure given to `replay` captured.)
    private struct StoreBox: @unchecked Sendable {
        let store: any LogStore
    }

    /// How much goes into one write at most, bytes; the rest waits for the next.
    private static let writeBytes = 4 << 20
    /// Pause between two looks whether a full disk has room again.
    private static let shortagePauseMicroseconds: UInt32 = 200_000

    private let queue = Mutex(Queue())
    private let wake = LogSemaphore()
    private let retained: Atomic<Int>
    private let syncs = Atomic<UInt64>(0)
    private let entries = Atomic<UInt64>(0)
    private let thread: LogThread
    private let writeBytes: Int
    private let onShortage: @Sendable (String?) -> Void

    /// Starts the writer thread, to which the store belongs from now on: the caller must not use it any more. It must
    /// have been replayed.
    ///
    /// - Parameter onShortage: called on the writer thread when the disk becomes full, with the reason, and with nil
    ///   when there is room again.
    public init(store: any LogStore, onShortage: @escaping @Sendable (String?) -> Void = { _ in }) throws(LogError) {
        self.onShortage = onShortage
        writeBytes = min(Self.writeBytes, store.largestWriteBytes)
        retained = Atomic(store.retainedBytes)
        let box = StoreBox(store: store)
        thread = LogThread()
        try thread.start { [self] in run(box.store) }
    }

    /// A lane for one loop: `resume` must run what it is given on that loop, in order, and be callable from any thread.
    public func lane(resume: @escaping @Sendable (@escaping @Sendable () -> Void) -> Void) -> LogLane {
        let lane = LogLane(host: self, resume: resume)
        let (failure, shortage) = queue.withLock { queue in
            queue.lanes.append(lane)
            return (queue.failure, queue.shortage)
        }
        if let failure { lane.receive(.failed(failure)) }
        if shortage != nil { lane.receive(.room(false)) }
        return lane
    }

    /// The state of each named group is durable up to the given entry; the log before it may go.
    public func trim(through indices: [LogGroupID: LogIndex]) {
        enqueue { $0.trims.merge(indices) { max($0, $1) } }
    }

    /// Bytes that the retained entries take on disk: flush the state and trim when it grows large.
    public var retainedBytes: Int { retained.load(ordering: .relaxed) }
    /// Why nothing can be written now: the disk is full. Nil when it can.
    public var shortage: String? { queue.withLock { $0.shortage } }
    /// Syncs so far, and the entries they carried.
    public var counters: (syncs: UInt64, entries: UInt64) {
        (syncs.load(ordering: .relaxed), entries.load(ordering: .relaxed))
    }

    /// Makes durable what was submitted, reports it, closes the store and waits for the thread to end.
    public func close() {
        enqueue { $0.isClosing = true }
        thread.join()
    }

    func submit(_ batch: LogBatch, from lane: LogLane) {
        let parts = batch.split(atBytes: writeBytes)
        enqueue { $0.submissions += parts.map { Submission(lane: lane, batch: $0) } }
    }

    private func enqueue(_ change: (inout Queue) -> Void) {
        let wasSleeping = queue.withLock { queue in
            change(&queue)
            defer { queue.isSleeping = false }
            return queue.isSleeping
        }
        if wasSleeping { wake.signal() }
    }

    // MARK: The writer thread

    private struct Work {
        var submissions: [Submission]
        var trims: [LogGroupID: LogIndex]
    }

    private func run(_ store: any LogStore) {
        do throws(LogError) {
            while let work = nextWork() { try carryOut(work, store) }
            fail(.closed)
        } catch {
            fail(error)
            while nextWork() != nil {}
        }
        store.close()
    }

    /// Waits for something to do; nil when the host is closing and nothing is left.
    private func nextWork() -> Work? {
        while true {
            let (work, isClosing) = queue.withLock { queue -> (Work?, Bool) in
                guard !queue.submissions.isEmpty || !queue.trims.isEmpty else {
                    queue.isSleeping = !queue.isClosing
                    return (nil, queue.isClosing)
                }
                return (takeWork(from: &queue), false)
            }
            if work != nil || isClosing { return work }
            wake.wait()
        }
    }

    private func takeWork(from queue: inout Queue) -> Work {
        var bytes = 0
        let count = queue.submissions.firstIndex { submission in
            defer { bytes += submission.batch.byteCount }
            return bytes > 0 && bytes + submission.batch.byteCount > writeBytes
        }
        let taken = Array(queue.submissions[..<(count ?? queue.submissions.count)])
        queue.submissions.removeFirst(taken.count)
        defer { queue.trims.removeAll() }
        return Work(submissions: taken, trims: queue.trims)
    }

    private func carryOut(_ work: Work, _ store: any LogStore) throws(LogError) {
        if !work.trims.isEmpty { try store.trim(through: work.trims) }
        if !work.submissions.isEmpty {
            try write(work.submissions.map { $0.batch }, store)
            try store.sync()
            syncs.add(1, ordering: .relaxed)
            for submission in work.submissions {
                entries.add(UInt64(submission.batch.entryCount), ordering: .relaxed)
                submission.lane.receive(.durable(submission.batch.tails))
            }
        }
        retained.store(store.retainedBytes, ordering: .relaxed)
    }

    /// Waits as long as the disk is full; throws when the host is closed meanwhile.
    private func write(_ batches: [LogBatch], _ store: any LogStore) throws(LogError) {
        while true {
            do throws(LogError) {
                try store.write(batches)
                return report(shortage: nil)
            } catch .noSpace(let text) {
                report(shortage: text)
                if queue.withLock({ $0.isClosing }) { throw .noSpace(text) }
            }
            usleep(Self.shortagePauseMicroseconds)
            let trims = queue.withLock { queue in
                defer { queue.trims.removeAll() }
                return queue.trims
            }
            if !trims.isEmpty { try store.trim(through: trims) }
            retained.store(store.retainedBytes, ordering: .relaxed)
        }
    }

    private func report(shortage: String?) {
        let lanes = queue.withLock { queue -> [LogLane] in
            let isNews = (queue.shortage == nil) != (shortage == nil)
            queue.shortage = shortage
            return isNews ? queue.lanes : []
        }
        guard !lanes.isEmpty else { return }
        for lane in lanes { lane.receive(.room(shortage == nil)) }
        onShortage(shortage)
    }

    private func fail(_ error: LogError) {
        let lanes = queue.withLock { queue in
            queue.failure = error
            return queue.lanes
        }
        for lane in lanes { lane.receive(.failed(error)) }
    }
}
