import Daemon
import EventLoop
import GarbageCollection
import Logging
import Protocol

/// Something to be done for each shard, again and again.
struct Duty: Sendable {
    /// As in the progress file and the log.
    let name: String
    let intervalNanoseconds: UInt64
    let run: @Sendable (ShardID) async -> Tally

    init(_ name: String, every seconds: UInt32, _ run: @escaping @Sendable (ShardID) async -> Tally) {
        self.name = name
        intervalNanoseconds = UInt64(seconds) * 1_000_000_000
        self.run = run
    }
}

/// Runs all duties side by side, each in rounds with pauses between.
actor DutySchedule {
    /// A pause is this many times as long as the round before it, if that is longer than the interval.
    private static let restFactor: UInt64 = 20
    private static let saveNanoseconds: UInt64 = 60_000_000_000

    private let loop: EventLoop
    private let logger: Logger
    private let counters: Counters
    private let shardsAtOnce: Int
    private let firstDelayNanoseconds: UInt64
    private var progress: ProgressFile
    private var lastSave: UInt64

    nonisolated var unownedExecutor: UnownedSerialExecutor { loop.asUnownedSerialExecutor() }

    init(
        loop: EventLoop, logger: Logger, counters: Counters, progress: ProgressFile, shardsAtOnce: Int,
        firstDelay: UInt32
    ) {
        self.loop = loop
        self.logger = logger
        self.counters = counters
        self.progress = progress
        self.shardsAtOnce = shardsAtOnce
        firstDelayNanoseconds = UInt64(firstDelay) * 1_000_000_000
        lastSave = loop.monotonicNanoseconds
    }

    /// Until the task is cancelled.
    func run(_ duties: [Duty]) async {
        await withTaskGroup(of: Void.self) { group in
            for duty in duties { group.addTask { await self.repeating(duty) } }
        }
    }

    /// Remembers where the duties are; failing that, a restart begins its rounds anew.
    func save() {
        lastSave = loop.monotonicNanoseconds
        do throws(SystemError) {
            try progress.save()
        } catch {
            logger.warning("cannot save progress: \(error)")
        }
    }

    private func repeating(_ duty: Duty) async {
        await loop.sleep(nanoseconds: firstDelayNanoseconds)
        while !Task.isCancelled {
            let start = loop.monotonicNanoseconds
            let tally = await round(of: duty)
            guard !Task.isCancelled else { return }
            let elapsed = loop.monotonicNanoseconds - start
            report(tally, of: duty, elapsed: elapsed)
            await loop.sleep(nanoseconds: max(duty.intervalNanoseconds, elapsed.multipliedClamped(by: Self.restFactor)))
        }
    }

    /// From where the duty stands to the last shard.
    private func round(of duty: Duty) async -> Tally {
        var total = Tally()
        var position = Int(progress[duty.name].nextShard)
        while position < ShardID.count, !Task.isCancelled {
            let end = min(position + shardsAtOnce, ShardID.count)
            let shards = (position..<end).map { ShardID(rawValue: UInt8($0)) }
            total += await ShardRounds<LiveCluster>.run(over: shards, atOnce: shardsAtOnce, duty.run)
            guard !Task.isCancelled else { break }
            position = end
            progress[duty.name].nextShard = UInt8(truncatingIfNeeded: end % ShardID.count)
            if loop.monotonicNanoseconds - lastSave > Self.saveNanoseconds { save() }
        }
        if position == ShardID.count { progress[duty.name].rounds &+= 1 }
        return total
    }

    private func report(_ tally: Tally, of duty: Duty, elapsed: UInt64) {
        for (name, value) in tally.counts where value > 0 {
            counters.counter("gc_\(name)_total").add(UInt64(value))
        }
        let level: Logger.Level = tally.failures > 0 ? .warning : .info
        let round = progress[duty.name].rounds
        logger.log(level: level, "\(duty.name): round \(round) took \(elapsed / 1_000_000) ms: \(tally)")
    }
}

extension UInt64 {
    fileprivate func multipliedClamped(by factor: UInt64) -> UInt64 {
        let (product, overflow) = multipliedReportingOverflow(by: factor)
        return overflow ? .max : product
    }
}
