import Glibc
import Protocol
import Synchronization

/// What the writer tells a lane.
enum LogReport: Sendable {
    /// Everything up to these entries is durable.
    case durable([LogGroupID: LogIndex])
    /// Nothing more will become durable.
    case failed(LogError)
}

/// The log of a process: one store, one writer thread, any number of groups on any number of loops.
///
/// While one sync is in flight the entries of all groups gather; then they go out in one write and one sync (group
/// commit). Open the store, `replay` it, then hand it to a host. Thread-safe.
public final class LogHost: Sendable {
    private struct Queue {
        var submissions: [Submission] = []
        var trims: [LogGroupID: LogIndex] = [:]
        var lanes: [LogLane] = []
        var isSleeping = false
        var isClosing = false
        var failure: LogError?
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

    private let queue = Mutex(Queue())
    private let wake = LogSemaphore()
    private let retained: Atomic<Int>
    private let syncs = Atomic<UInt64>(0)
    private let entries = Atomic<UInt64>(0)
    private let thread: LogThread

    /// Starts the writer thread, to which the store belongs from now on: the caller must not use it any more. It must
    /// have been replayed.
    public init(store: any LogStore) throws(LogError) {
        retained = Atomic(store.retainedBytes)
        let box = StoreBox(store: store)
        thread = LogThread()
        try thread.start { [self] in run(box.store) }
    }

    /// A lane for one loop: `resume` must run what it is given on that loop, in order, and be callable from any thread.
    public func lane(resume: @escaping @Sendable (@escaping @Sendable () -> Void) -> Void) -> LogLane {
        let lane = LogLane(host: self, resume: resume)
        let failure = queue.withLock { queue in
            queue.lanes.append(lane)
            return queue.failure
        }
        if let failure { lane.receive(.failed(failure)) }
        return lane
    }

    /// The state of each named group is durable up to the given entry; the log before it may go.
    public func trim(through indices: [LogGroupID: LogIndex]) {
        enqueue { $0.trims.merge(indices) { max($0, $1) } }
    }

    /// Bytes that the retained entries take on disk: flush the state and trim when it grows large.
    public var retainedBytes: Int { retained.load(ordering: .relaxed) }
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
        enqueue { $0.submissions.append(Submission(lane: lane, batch: batch)) }
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
                return (Self.takeWork(from: &queue), false)
            }
            if work != nil || isClosing { return work }
            wake.wait()
        }
    }

    private static func takeWork(from queue: inout Queue) -> Work {
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
            try store.write(work.submissions.map { $0.batch })
            try store.sync()
            syncs.add(1, ordering: .relaxed)
            for submission in work.submissions {
                entries.add(UInt64(submission.batch.entryCount), ordering: .relaxed)
                submission.lane.receive(.durable(submission.batch.tails))
            }
        }
        retained.store(store.retainedBytes, ordering: .relaxed)
    }

    private func fail(_ error: LogError) {
        let lanes = queue.withLock { queue in
            queue.failure = error
            return queue.lanes
        }
        for lane in lanes { lane.receive(.failed(error)) }
    }
}
