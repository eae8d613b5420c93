import Protocol
import Replicas
import ReplicatedLog

extension Machine {
    /// Flushes the state of its process on virtual time.
    /// - Parameter gather: passes on what each group has applied.
    final func flushing(
        _ storage: ReplicaStorage, _ log: LogOptions, _ options: ClusterOptions,
        applied gather: @escaping StateFlusher.Gathering
    ) -> StateFlusher {
        flushing(storage, log, pause: options.flushPause, look: options.flushLook, applied: gather)
    }

    /// The same.
    /// - Parameters:
    ///   - pause: between two flushes.
    ///   - look: how often it is looked whether one is due.
    ///   - keepsForPeers: whether the log is kept until the flush after the next.
    final func flushing(
        _ storage: ReplicaStorage, _ log: LogOptions, pause: ClosedRange<UInt64>, look: UInt64,
        keepsForPeers: Bool = false, applied gather: @escaping StateFlusher.Gathering
    ) -> StateFlusher {
        let settings = StateFlusher.Settings(
            logBytes: log.flushBytes, intervalNanoseconds: world.random.spread(pause), lookNanoseconds: look,
            keepsForPeers: keepsForPeers)
        let environment = StateFlusher.Environment(
            monotonic: { [unowned self] in world.now },
            later: { [unowned self] nanoseconds, body in after(nanoseconds, body) },
            work: { [unowned self] work, done in
                after(world.random.spread(1_000_000...2_000_000_000)) { done(Result { try work() }) }
            })
        return StateFlusher(storage, settings, environment, logger: logger, applied: gather) { [unowned self] error in
            fail(error)
        }
    }
}
