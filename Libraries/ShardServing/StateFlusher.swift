import EventLoop
import Logging
import Protocol
import ReplicatedLog

/// Flushes the state of all shards and lets go of the log that it replaces: when the log has grown, and now and then.
/// On the main loop.
final class StateFlusher {
    private let storage: ShardStorage
    private let loop: EventLoop
    private let logger: Logger
    private let shardLoops: [LoopBound<ShardLoop>]
    private var timer: LoopTimer?
    private var flushed: [LogGroupID: LogIndex] = [:]
    private var lastFlush: UInt64
    private var isFlushing = false
    /// After a failure: not before this.
    private var nextAttempt: UInt64 = 0

    private static let checkNanoseconds: UInt64 = 2_000_000_000
    private static let retryNanoseconds: UInt64 = 30_000_000_000
    private static let intervalNanoseconds: UInt64 = 300_000_000_000
    /// About a second of replay, and a state buffer's worth of changes.
    private static let logBytes = 128 << 20

    init(_ storage: ShardStorage, loop: EventLoop, logger: Logger, shardLoops: [LoopBound<ShardLoop>]) {
        self.storage = storage
        self.loop = loop
        self.logger = logger
        self.shardLoops = shardLoops
        lastFlush = loop.monotonicNanoseconds
        timer = loop.timer(
            afterNanoseconds: Self.checkNanoseconds, repeatingNanoseconds: Self.checkNanoseconds
        ) { [weak self] in self?.flushIfDue() }
    }

    func stop() {
        timer?.cancel()
        timer = nil
    }

    private func flushIfDue() {
        let now = loop.monotonicNanoseconds
        let isOld = now - lastFlush >= Self.intervalNanoseconds
        guard now >= nextAttempt, isOld || storage.host.retainedBytes >= Self.logBytes else { return }
        flush {}
    }

    /// Flushes and trims; `then` is called on the main loop whether or not that worked.
    func flush(_ then: @escaping () -> Void) {
        guard !isFlushing else { return then() }
        isFlushing = true
        lastFlush = loop.monotonicNanoseconds
        gather { [self] applied in
            guard applied != flushed else { return finish(then) }
            // What was applied before the flush began is in it.
            WorkQueue.shared.run(on: loop) { [data = storage.data, state = storage.state] in
                guard try data.withRoom({ try state.flush() }) else { throw ShardHostError.noRoomToFlush }
            } then: { [self] result in
                switch result {
                case .success:
                    flushed = applied
                    storage.host.trim(through: applied)
                case .failure(let error):
                    nextAttempt = loop.monotonicNanoseconds + Self.retryNanoseconds
                    logger.error("cannot flush the state, the log keeps growing: \(error)")
                }
                finish(then)
            }
        }
    }

    private func finish(_ then: () -> Void) {
        isFlushing = false
        then()
    }

    /// Asks every loop how far its shards are.
    private func gather(_ then: @escaping ([LogGroupID: LogIndex]) -> Void) {
        var applied = storage.dormant
        var remaining = shardLoops.count
        let main = loop
        let collect = Handover<([LogGroupID: LogIndex]) -> Void> { indices in
            applied.merge(indices) { _, latest in latest }
            remaining -= 1
            if remaining == 0 { then(applied) }
        }
        for shardLoop in shardLoops {
            shardLoop.submit { shards in
                let indices = shards.appliedIndices
                main.submit { collect.value(indices) }
            }
        }
    }
}
