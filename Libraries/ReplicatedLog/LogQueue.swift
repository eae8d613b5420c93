import Consensus
import Protocol
import Synchronization

/// What lanes and owner of a log leave for its writer, and what it lets them know. Thread-safe.
///
/// What returns a `Bool` says with it whether the writer has to be woken.
final class LogQueue: Sendable {
    /// Some entries of one lane.
    struct Submission {
        let lane: LogLane
        let batch: LogBatch
    }

    /// What the writer does in one go.
    struct Work {
        var submissions: [Submission]
        var reads: [LogRead]
        var trims: [LogGroupID: LogIndex]
    }

    enum Next {
        case work(Work)
        /// There is nothing to do; who brings something wakes the writer.
        case nothing
        /// The log is closing, and nothing is left.
        case end
    }

    /// What the writer waits for.
    private enum Rest { case none, untilWork, untilRoom }

    private struct State {
        var submissions: [Submission] = []
        var reads: [LogRead] = []
        var trims: [LogGroupID: LogIndex] = [:]
        var lanes: [LogLane] = []
        var rest = Rest.none
        /// How often the writer has asked for work.
        var takes: UInt64 = 0
        /// Since when it has been seen at the same work.
        var watched: (takes: UInt64, since: BootInstant)?
        var isClosing = false
        var failure: LogError?
        /// Why nothing can be written now, nil when it can.
        var shortage: String?
    }

    private let state = Mutex(State())
    /// Bytes that the retained entries take on disk.
    let retainedBytes = Atomic<Int>(0)
    /// Syncs so far, and the entries they carried.
    let syncs = Atomic<UInt64>(0)
    let entries = Atomic<UInt64>(0)

    // MARK: For lanes and owner

    /// From now on `lane` hears what all lanes are told; what it has to know already is returned.
    func add(_ lane: LogLane) -> (failure: LogError?, isShort: Bool) {
        state.withLock { state in
            if state.failure == nil { state.lanes.append(lane) }
            return (state.failure, state.shortage != nil)
        }
    }

    func add(_ batches: [LogBatch], from lane: LogLane) -> Bool {
        change { $0.submissions += batches.map { Submission(lane: lane, batch: $0) } }
    }

    func add(_ read: LogRead) -> Bool {
        change { $0.reads.append(read) }
    }

    func add(trims: [LogGroupID: LogIndex]) -> Bool {
        change { $0.trims.merge(trims) { max($0, $1) } }
    }

    func close() -> Bool {
        change { $0.isClosing = true }
    }

    var shortage: String? { state.withLock { $0.shortage } }

    private func change(_ body: (inout State) -> Void) -> Bool {
        state.withLock { state in
            body(&state)
            let endsRest =
                switch state.rest {
                case .none: false
                case .untilWork: true
                case .untilRoom: state.isClosing || !state.trims.isEmpty
                }
            if endsRest { state.rest = .none }
            return endsRest
        }
    }

    /// Whether the writer has been at the same work for a second, as far as those who asked before have seen.
    func standsStill(at now: BootInstant) -> Bool {
        state.withLock { state in
            guard state.rest != .untilWork, state.failure == nil else {
                state.watched = nil
                return state.failure != nil
            }
            guard let watched = state.watched, watched.takes == state.takes else {
                state.watched = (state.takes, now)
                return false
            }
            return now >= watched.since + Self.longestWork
        }
    }

    private static let longestWork = BootSpan.milliseconds(1000)

    // MARK: For the writer

    /// What to do next: all trims, and submissions of `byteCount` bytes at most, or a single one.
    func take(atMost byteCount: Int) -> Next {
        state.withLock { state in
            state.takes += 1
            guard state.submissions.isEmpty && state.trims.isEmpty && state.reads.isEmpty else {
                return .work(Self.takeWork(from: &state, atMost: byteCount))
            }
            guard !state.isClosing else { return .end }
            state.rest = .untilWork
            return .nothing
        }
    }

    private static func takeWork(from state: inout State, atMost byteCount: Int) -> Work {
        var bytes = 0
        let count = state.submissions.firstIndex { submission in
            defer { bytes += submission.batch.byteCount }
            return bytes > 0 && bytes + submission.batch.byteCount > byteCount
        }
        let taken = Array(state.submissions[..<(count ?? state.submissions.count)])
        state.submissions.removeFirst(taken.count)
        defer {
            state.trims.removeAll()
            state.reads.removeAll()
        }
        return Work(submissions: taken, reads: state.reads, trims: state.trims)
    }

    /// The writer is about to wait for room: a trim or the end wakes it. False when the log is closing.
    func waitsForRoom() -> Bool {
        state.withLock { state in
            guard !state.isClosing else { return false }
            state.rest = .untilRoom
            return true
        }
    }

    func takeTrims() -> [LogGroupID: LogIndex] {
        state.withLock { state in
            state.rest = .none
            defer { state.trims.removeAll() }
            return state.trims
        }
    }

    /// Notes whether there is room; returns who has to be told of it.
    func note(shortage: String?) -> [LogLane] {
        state.withLock { state in
            state.shortage = shortage
            return state.lanes
        }
    }

    /// Nothing more will become durable; returns who has to be told of it, for the last time.
    func fail(_ error: LogError) -> [LogLane] {
        state.withLock { state in
            defer { state.lanes.removeAll() }
            state.failure = error
            return state.lanes
        }
    }
}
