import Consensus
import Mutations
import Protocol
import Synchronization

/// What becomes of a log's queue: trims, writes, syncs and reports, a piece at a time.
///
/// Write and sync are two pieces, so that a simulator can let time pass, or the process die, between them.
///
/// `@unchecked Sendable`: `piece` is called by one thread, and everything else follows from that. The store belongs to
/// that thread from the first piece on: whoever calls `init` gives it away. (A `sending` parameter would say so to the
/// compiler, but it takes a store for entangled with whatever the closure given to `replay` captured.)
final class LogWriter: @unchecked Sendable {
    private enum Stage {
        case idle
        /// They are written, and not synced.
        case unsynced([LogQueue.Submission])
        /// The disk had no room for them.
        case short([LogQueue.Submission])
        /// Nothing more becomes durable.
        case failed
    }

    /// How much goes into one write at most, bytes; the rest waits for the next.
    private static let writeBytes = 4 << 20
    /// Pause between two looks whether a full disk has room again.
    private static let shortagePauseNanoseconds: UInt64 = 200_000_000

    let queue = LogQueue()
    let writeBytes: Int
    private let store: any LogStore
    private let onShortage: @Sendable (String?) -> Void
    private var stage = Stage.idle
    private var isShort = false

    init(_ store: any LogStore, onShortage: @escaping @Sendable (String?) -> Void) {
        self.store = store
        self.onShortage = onShortage
        writeBytes = min(Self.writeBytes, store.largestWriteBytes)
        noteRetained()
    }

    func piece() -> WriterRest {
        do throws(LogError) {
            switch stage {
            case .idle: return try begin()
            case .unsynced(let submissions): try sync(submissions)
            case .short(let submissions): return try tryAgain(submissions)
            case .failed: return drop()
            }
        } catch {
            stage = .failed
            for lane in queue.fail(error) { lane.receive(.failed(error)) }
        }
        return .notAtAll
    }

    private func begin() throws(LogError) -> WriterRest {
        switch queue.take(atMost: writeBytes) {
        case .work(let work):
            for read in work.reads { read.lane.receive(.read(read.answer(from: store))) }
            try trim(work.trims)
            return work.submissions.isEmpty ? .notAtAll : try write(work.submissions)
        case .nothing: return .untilWoken
        case .end: throw .closed
        }
    }

    private func trim(_ indices: [LogGroupID: LogIndex]) throws(LogError) {
        guard !indices.isEmpty else { return }
        try store.trim(through: indices)
        noteRetained()
    }

    /// Waits as long as the disk is full; throws when the log is closed meanwhile.
    private func write(_ submissions: [LogQueue.Submission]) throws(LogError) -> WriterRest {
        do throws(LogError) {
            try store.write(submissions.map { $0.batch })
        } catch .noSpace(let text) {
            tell(shortage: text)
            guard queue.waitsForRoom() else { throw .noSpace(text) }
            stage = .short(submissions)
            return .atMost(nanoseconds: Self.shortagePauseNanoseconds)
        }
        if isShort { tell(shortage: nil) }
        if Mutation.reportsBeforeSync.isPlanted { report(submissions) }
        stage = .unsynced(submissions)
        return .notAtAll
    }

    private func tryAgain(_ submissions: [LogQueue.Submission]) throws(LogError) -> WriterRest {
        try trim(queue.takeTrims())
        return try write(Mutation.shortageForgetsItsBatch.isPlanted ? [] : submissions)
    }

    private func sync(_ submissions: [LogQueue.Submission]) throws(LogError) {
        try store.sync()
        queue.syncs.add(1, ordering: .relaxed)
        for submission in submissions { queue.entries.add(UInt64(submission.batch.entryCount), ordering: .relaxed) }
        report(submissions)
        noteRetained()
        stage = .idle
    }

    private func report(_ submissions: [LogQueue.Submission]) {
        for submission in submissions { submission.lane.receive(.durable(submission.batch.marks)) }
    }

    /// What comes after a failure is forgotten; the end waits until the log is closed.
    private func drop() -> WriterRest {
        switch queue.take(atMost: .max) {
        case .work: return .notAtAll
        case .nothing: return .untilWoken
        case .end:
            store.close()
            return .forGood
        }
    }

    private func tell(shortage: String?) {
        let isNews = isShort != (shortage != nil)
        isShort = shortage != nil
        let lanes = queue.note(shortage: shortage)
        guard isNews, !lanes.isEmpty else { return }
        let missesTheRoom = Mutation.lanesMissTheRoom.isPlanted && !isShort
        if !missesTheRoom { for lane in lanes { lane.receive(.room(!isShort)) } }
        onShortage(shortage)
    }

    private func noteRetained() {
        queue.retainedBytes.store(store.retainedBytes, ordering: .relaxed)
    }
}
