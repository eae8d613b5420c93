import Consensus
import ReplicatedLog

/// How the logs of a run's processes are divided, and how little fits into them; drawn from the seed.
struct LogOptions {
    /// How many loops have groups of their own.
    var lanes: Int
    /// What all groups of a lane may have in flight, bytes.
    var laneWindowBytes: Int
    /// What one write has at most, bytes.
    var writeBytes: Int
    /// Of each shard, and of the coordinator.
    var settings = Settings()
    /// Segments are small, so that they are filled, let go of and used again.
    var store = LogStoreOptions()

    /// How many times slower everything is that groups do by time.
    private(set) var slowness: UInt64 = 1

    /// When the log takes so many bytes the state is flushed.
    var flushBytes: Int { store.maximumBytes / 2 }

    init(_ random: inout SeededRandom) {
        lanes = .random(in: 1...3, using: &random)
        laneWindowBytes = random.pick([512, 8192, 32 << 20])
        writeBytes = random.pick([256, 2048, 4 << 20])
        settings.proposedEntries = random.pick([1, 4, 2048])
        store.segmentBytes = random.pick([128, 256]) << 10
        store.maximumBytes = random.pick([3 * store.segmentBytes, 8 * store.segmentBytes, 2 << 30])
        store.minimumFreeBytes = 1
        // The largest that the smallest segment has room for.
        settings.commandBytes = 12_000
    }

    /// For a process that proposes several entries for one request, which all have to fit.
    var wide: LogOptions {
        var wide = self
        wide.laneWindowBytes = max(laneWindowBytes, 64 << 10)
        wide.settings.proposedEntries = max(settings.proposedEntries, 64)
        return wide
    }
}

extension LogOptions {
    /// For several replicas, between two heartbeats, nanoseconds.
    var beat: UInt64 { 100_000_000 * slowness }

    /// Lets everything that groups do by time take longer: most of a run's events would be that otherwise.
    mutating func slowDown(by factor: UInt64) {
        slowness = factor
        settings.promise = settings.promise.times(factor)
        let delay = settings.campaignDelay
        settings.campaignDelay = delay.lowerBound.times(factor)...delay.upperBound.times(factor)
        settings.deference = settings.deference.times(factor)
        settings.resend = settings.resend.times(factor)
        settings.settling = settings.settling.times(factor)
    }
}

extension BootSpan {
    fileprivate func times(_ factor: UInt64) -> BootSpan { BootSpan(nanoseconds: nanoseconds * factor) }
}
