import Daemon
import EventLoop
import GarbageCollection
import Logging
import MaintenanceState
import Protocol

/// Runs all duties side by side, each in rounds with pauses between. Where they are is remembered at every step, so
/// that a restart goes on there.
actor DutySchedule {
    /// A pause is this many times as long as the round before it, if that is longer than the interval.
    private static let restFactor: UInt64 = 20

    private let loop: EventLoop
    private let logger: Logger
    private let counters: Counters
    private let shardsAtOnce: Int
    private let firstDelayNanoseconds: UInt64
    private let state: MaintenanceState

    nonisolated var unownedExecutor: UnownedSerialExecutor { loop.asUnownedSerialExecutor() }

    init(
        loop: EventLoop, logger: Logger, counters: Counters, state: MaintenanceState, shardsAtOnce: Int,
        firstDelay: UInt32
    ) {
        self.loop = loop
        self.logger = logger
        self.counters = counters
        self.state = state
        self.shardsAtOnce = shardsAtOnce
        firstDelayNanoseconds = UInt64(firstDelay) * 1_000_000_000
    }

    /// Until the task is cancelled.
    func run(_ duties: [Duty]) async {
        await withTaskGroup(of: Void.self) { group in
            for duty in duties { group.addTask { await self.repeating(duty) } }
        }
    }

    private func repeating(_ duty: Duty) async {
        await loop.sleep(nanoseconds: firstDelayNanoseconds)
        while !Task.isCancelled {
            let start = loop.monotonicNanoseconds
            let (tally, round) = await round(of: duty)
            guard !Task.isCancelled else { return }
            let elapsed = loop.monotonicNanoseconds - start
            report(tally, of: duty, round, elapsed: elapsed)
            await loop.sleep(nanoseconds: max(duty.intervalNanoseconds, elapsed.multipliedClamped(by: Self.restFactor)))
        }
    }

    /// Gives every shard its turn that has not had it in this round; answers the round's number as well.
    private func round(of duty: Duty) async -> (Tally, UInt64) {
        var progress = remembered(DutyProgress()) { () throws(MaintenanceStateError) in try state.duty(duty.name) }
        let round = progress.rounds &+ 1
        if progress.roundBegan == .zero { progress.roundBegan = now }
        save { () throws(MaintenanceStateError) in try state.set(progress, ofDuty: duty.name) }
        let shards = (0..<ShardID.count).map { ShardID(rawValue: UInt8($0)) }
            .filter { shardProgress(of: duty, in: $0).rounds != round }
        let total = await ShardRounds<LiveCluster>.run(over: shards, atOnce: shardsAtOnce) { shard in
            await self.turn(of: duty, in: shard, round: round)
        }
        guard !Task.isCancelled else { return (total, round) }
        progress.rounds = round
        progress.roundEnded = now
        progress.roundBegan = .zero
        save { () throws(MaintenanceStateError) in try state.set(progress, ofDuty: duty.name) }
        return (total, round)
    }

    private func turn(of duty: Duty, in shard: ShardID, round: UInt64) async -> Tally {
        var progress = shardProgress(of: duty, in: shard)
        let tally = await duty.turn(shard, progress.place) { [progress] place in
            var reached = progress
            reached.place = place
            self.save { () throws(MaintenanceStateError) in
                try self.state.set(reached, ofDuty: duty.name, in: shard)
            }
        }
        guard !Task.isCancelled else { return tally }
        progress = ShardProgress()
        progress.rounds = round
        progress.ended = now
        save { [progress] () throws(MaintenanceStateError) in
            try state.set(progress, ofDuty: duty.name, in: shard)
        }
        return tally
    }

    private func report(_ tally: Tally, of duty: Duty, _ round: UInt64, elapsed: UInt64) {
        for (name, value) in tally.counts where value > 0 {
            counters.counter("gc_\(name)_total").add(UInt64(value))
        }
        let level: Logger.Level = tally.failures > 0 ? .warning : .info
        logger.log(level: level, "\(duty.name): round \(round) took \(elapsed / 1_000_000) ms: \(tally)")
    }

    // MARK: State

    private var now: Timestamp { Timestamp(nanoseconds: loop.wallClock()) }

    private func shardProgress(of duty: Duty, in shard: ShardID) -> ShardProgress {
        remembered(ShardProgress()) { () throws(MaintenanceStateError) in
            try state.progress(ofDuty: duty.name, in: shard)
        }
    }

    /// What cannot be read costs progress only.
    private func remembered<Value>(_ fresh: Value, _ read: () throws(MaintenanceStateError) -> Value) -> Value {
        do throws(MaintenanceStateError) {
            return try read()
        } catch {
            logger.warning("\(error)")
            return fresh
        }
    }

    private nonisolated func save(_ write: () throws(MaintenanceStateError) -> Void) {
        do throws(MaintenanceStateError) {
            try write()
        } catch {
            logger.warning("progress is not remembered: \(error)")
        }
    }
}

extension UInt64 {
    fileprivate func multipliedClamped(by factor: UInt64) -> UInt64 {
        let (product, overflow) = multipliedReportingOverflow(by: factor)
        return overflow ? .max : product
    }
}
