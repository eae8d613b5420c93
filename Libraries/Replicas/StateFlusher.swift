import Consensus
import EventLoop
import Logging
import Mutations
import Protocol
import ReplicatedLog

/// Flushes the state of all groups of a process and lets go of the log that it replaces: when the log has grown, and
/// now and then. Confined to the loop it was made on.
package final class StateFlusher {
    package struct Settings: Sendable {
        /// When the log retains so many bytes.
        package var logBytes: Int
        /// And at the latest after so long, if anything was applied.
        package var intervalNanoseconds: UInt64
        /// How often it is looked whether that is so.
        package var lookNanoseconds: UInt64
        /// Whether what the state has since the flush before stays in the log, for peers that were away meanwhile.
        package var keepsForPeers: Bool

        package init(
            logBytes: Int, intervalNanoseconds: UInt64, lookNanoseconds: UInt64, keepsForPeers: Bool = false
        ) {
            self.logBytes = logBytes
            self.intervalNanoseconds = intervalNanoseconds
            self.lookNanoseconds = lookNanoseconds
            self.keepsForPeers = keepsForPeers
        }
    }

    /// Time and threads.
    package struct Environment {
        package var monotonic: () -> UInt64
        /// Runs `body` here after so many nanoseconds.
        package var later: (_ nanoseconds: UInt64, _ body: @escaping () -> Void) -> Void
        /// Runs `work` where it may block, and then `done` here.
        package var work:
            (_ work: @escaping @Sendable () throws -> Bool, _ done: @escaping (Result<Bool, any Error>) -> Void) -> Void

        package init(
            monotonic: @escaping () -> UInt64,
            later: @escaping (_ nanoseconds: UInt64, _ body: @escaping () -> Void) -> Void,
            work:
                @escaping (
                    _ work: @escaping @Sendable () throws -> Bool, _ done: @escaping (Result<Bool, any Error>) -> Void
                ) -> Void
        ) {
            self.monotonic = monotonic
            self.later = later
            self.work = work
        }

        package init(_ loop: EventLoop) {
            monotonic = { loop.monotonicNanoseconds }
            later = { nanoseconds, body in _ = loop.timer(afterNanoseconds: nanoseconds, body) }
            work = { work, done in loop.work(work, then: done) }
        }
    }

    /// Passes on what each group has applied, when all of them have said so.
    package typealias Gathering = (_ then: @escaping ([LogGroupID: LogIndex]) -> Void) -> Void

    private let storage: ReplicaStorage
    private let settings: Settings
    private let environment: Environment
    private let logger: Logger
    private let gather: Gathering
    private let failed: (any Error) -> Void
    private var flushed: [LogGroupID: LogIndex]
    /// Bytes of the log that are there for peers only, as far as is known: what a trim leaves shows a while later.
    private var keptBytes = 0
    private var isTrimming = false
    private var keepsSome = false
    private var lastFlush: UInt64
    private var isFlushing = false
    /// What is called once the state as it is now is durable.
    private var awaiting: [() -> Void] = []
    private var isStopped = false
    /// While there was no room: not before this.
    private var nextAttempt: UInt64 = 0

    private static let retryNanoseconds: UInt64 = 30_000_000_000

    /// - Parameter failed: the state could not be flushed, for another reason than a full disk. It never will be, so
    ///   the process has to end.
    package init(
        _ storage: ReplicaStorage, _ settings: Settings, _ environment: Environment, logger: Logger,
        applied gather: @escaping Gathering, failed: @escaping (any Error) -> Void
    ) {
        self.storage = storage
        self.settings = settings
        self.environment = environment
        self.logger = logger
        self.gather = gather
        self.failed = failed
        flushed = storage.flushed
        lastFlush = environment.monotonic()
        lookLater()
    }

    package func stop() { isStopped = true }

    private func lookLater() {
        environment.later(settings.lookNanoseconds) { [weak self] in self?.look() }
    }

    private func look() {
        guard !isStopped else { return }
        lookLater()
        let now = environment.monotonic()
        let isOld = now - lastFlush >= settings.intervalNanoseconds
        if isTrimming {
            keptBytes = storage.host.retainedBytes
            isTrimming = false
        }
        if keepsSome, storage.isFull {
            // A full disk lets nothing be applied, so no flush would come.
            storage.host.trim(through: flushed)
            keepsSome = false
        }
        let newBytes = storage.host.retainedBytes - keptBytes
        let isWanted = isOld || !awaiting.isEmpty || newBytes >= settings.logBytes
        guard now >= nextAttempt, isWanted else { return }
        flush {}
    }

    /// Calls `done` when the state as it is now is durable, however long there is no room for that.
    package func makeDurable(_ done: @escaping () -> Void) {
        awaiting.append(done)
        flush {}
    }

    /// Flushes and trims; `then` is called whether or not that worked.
    package func flush(_ then: @escaping () -> Void) {
        guard !isFlushing else { return then() }
        isFlushing = true
        lastFlush = environment.monotonic()
        let awaiting = awaiting
        self.awaiting = []
        gather { [self] applied in
            guard applied != flushed || !awaiting.isEmpty else { return finish(then) }
            if Mutation.logIsTrimmedBeforeTheFlush.isPlanted { storage.host.trim(through: applied) }
            // What was applied before the flush began is in it.
            environment.work({ [storage] in try storage.disk.flush() }) { [self] result in
                settle(result, applied, awaiting)
                finish(then)
            }
        }
    }

    private func settle(
        _ result: Result<Bool, any Error>, _ applied: [LogGroupID: LogIndex], _ awaiting: [() -> Void]
    ) {
        switch result {
        case .success(true):
            trim(through: applied)
            for done in awaiting { done() }
        case .success(false):
            self.awaiting = awaiting + self.awaiting
            nextAttempt = environment.monotonic() + Self.retryNanoseconds
            logger.warning("no room to flush the state, the log keeps growing")
        case .failure(let error): failed(error)
        }
    }

    /// Lets the log go that no start needs any more. A peer that lacks what no log has is given the whole state; of what
    /// is new since the flush before it gets entries. On a full disk nothing is kept for peers.
    private func trim(through applied: [LogGroupID: LogIndex]) {
        let keeps = settings.keepsForPeers && !storage.isFull && !Mutation.peersGetSnapshotsAtOnce.isPlanted
        storage.host.trim(through: keeps ? flushed : applied)
        keptBytes = 0
        isTrimming = keeps
        keepsSome = keeps
        flushed = applied
    }

    private func finish(_ then: () -> Void) {
        isFlushing = false
        then()
        if !awaiting.isEmpty, environment.monotonic() >= nextAttempt { flush {} }
    }
}
