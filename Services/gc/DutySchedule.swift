import Daemon
import EventLoop
import Logging
import MaintenanceState
import Metrics
import Protocol
import Synchronization

/// Runs all duties side by side, each in rounds with pauses between. Where they are is remembered at every step, so
/// that a restart goes on there.
actor DutySchedule: EndlessDuty {
    private let loop: any Loop
    private let logger: Logger
    private let counters: Counters
    private let firstDelayNanoseconds: UInt64
    private let state: MaintenanceState
    private let duties: [Duty]
    /// Whether the last thing to be remembered was not.
    private nonisolated let isForgetful = Atomic(false)

    nonisolated var unownedExecutor: UnownedSerialExecutor { loop.asUnownedSerialExecutor() }

    init(_ duties: [Duty], _ context: GcContext) {
        self.duties = duties
        loop = context.client.loop
        logger = context.logger
        counters = context.counters
        state = context.state
        firstDelayNanoseconds = UInt64(context.firstDelay) * 1_000_000_000
    }

    func run() async {
        await withTaskGroup(of: Void.self) { group in
            for duty in duties { group.addTask { await self.repeating(duty) } }
        }
    }

    /// Everything that the duties wait for is closed with the context.
    func close() {}

    private func repeating(_ duty: Duty) async {
        await loop.sleep(nanoseconds: firstDelayNanoseconds)
        while !Task.isCancelled {
            let start = loop.monotonicNanoseconds
            let (counts, round) = await round(of: duty)
            guard !Task.isCancelled else { return }
            let elapsed = loop.monotonicNanoseconds - start
            report(counts, of: duty, round, elapsed: elapsed)
            let longest = duty.intervalNanoseconds.multipliedClamped(by: Duty.longestRest)
            let rest = min(elapsed.multipliedClamped(by: duty.restFactor), longest)
            await loop.sleep(nanoseconds: max(duty.intervalNanoseconds, rest))
        }
    }

    /// Gives every shard its turn that has not had it in this round; answers the round's number as well.
    private func round(of duty: Duty) async -> (DutyCounts, UInt64) {
        var progress = remembered(DutyProgress()) { () throws(MaintenanceStateError) in try state.duty(duty.name) }
        let round = progress.rounds &+ 1
        if progress.roundBegan == .zero { progress.roundBegan = now }
        save { () throws(MaintenanceStateError) in try state.set(progress, ofDuty: duty.name) }
        let shards = (0..<ShardID.count).map { ShardID(rawValue: UInt8($0)) }
            .filter { shardProgress(of: duty, in: $0).rounds != round }
        let total = await turns(of: duty, in: shards, round: round)
        guard !Task.isCancelled else { return (total, round) }
        progress.rounds = round
        progress.roundEnded = now
        progress.roundBegan = .zero
        save { () throws(MaintenanceStateError) in try state.set(progress, ofDuty: duty.name) }
        return (total, round)
    }

    /// A few shards at a time.
    private func turns(of duty: Duty, in shards: [ShardID], round: UInt64) async -> DutyCounts {
        await withTaskGroup(of: DutyCounts.self) { group in
            var total = DutyCounts()
            var running = 0
            for shard in shards where !Task.isCancelled {
                if running >= duty.shardsAtOnce, let counts = await group.next() {
                    total += counts
                    running -= 1
                }
                group.addTask { await self.turn(of: duty, in: shard, round: round) }
                running += 1
            }
            for await counts in group { total += counts }
            return total
        }
    }

    private func turn(of duty: Duty, in shard: ShardID, round: UInt64) async -> DutyCounts {
        var progress = shardProgress(of: duty, in: shard)
        let counts = await duty.turn(shard, progress.place) { [progress] place in
            var reached = progress
            reached.place = place
            self.save { () throws(MaintenanceStateError) in
                try self.state.set(reached, ofDuty: duty.name, in: shard)
            }
        }
        guard !Task.isCancelled else { return counts }
        progress = ShardProgress()
        progress.rounds = round
        progress.ended = now
        save { [progress] () throws(MaintenanceStateError) in
            try state.set(progress, ofDuty: duty.name, in: shard)
        }
        return counts
    }

    private func report(_ counts: DutyCounts, of duty: Duty, _ round: UInt64, elapsed: UInt64) {
        for (name, value) in counts.values where value > 0 {
            counters.counter("gc_\(name)_total").add(UInt64(value))
        }
        let level: Logger.Level = counts.failures > 0 ? .warning : .info
        logger.log(level: level, "\(duty.name): round \(round) took \(elapsed / 1_000_000) ms: \(counts)")
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
            if isForgetful.exchange(false, ordering: .relaxed) { logger.notice("progress is remembered again") }
        } catch {
            // Once, not at every page: the duties go on, as a restart only repeats what is forgotten.
            guard !isForgetful.exchange(true, ordering: .relaxed) else { return }
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
