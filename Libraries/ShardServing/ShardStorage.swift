import Daemon
import Logging
import Protocol
import ReplicatedLog
import ShardCore
import Store

/// The two stores that all shards of a process share: the log makes every entry durable at once, the state is what the
/// entries amount to, flushed now and then. After a crash the state is the last flush plus a replay of the log.
struct ShardStorage {
    let data: DataDirectory
    let state: RocksStore
    let host: LogHost
    /// The cores of the hosted shards, up to date with the log.
    let cores: [ShardID: ShardCore]
    /// Groups that are in the log or the state without being hosted now, at the index their state has reached.
    let dormant: [LogGroupID: LogIndex]

    /// Opens or creates both stores and replays the log. Blocks; for start-up.
    static func open(_ configuration: ShardConfiguration, _ daemon: Daemon) throws -> ShardStorage {
        let options = RocksOptions(writeAheadLog: false, memoryBudgetBytes: configuration.stateMemoryBytes)
        let data = try DataDirectory(path: configuration.dataDirectory, reserveBytes: options.flushBytes)
        try data.requireRoom()
        let state = try RocksStore(directory: data.path + "/state", options: options)
        try data.removeUnfinishedSnapshots()
        // All 256: the log may hold entries of shards that were hosted here before, and their state must not stay
        // behind.
        let budget = ShardCacheBudget(limitBytes: configuration.cacheMemoryBytes)
        var cores: [LogGroupID: ShardCore] = [:]
        for shard in ShardID.all {
            cores[LogGroupID(shard)] = try ShardCore(
                store: state, shard: shard, location: configuration.location,
                transientLifetimeNanoseconds: configuration.transientLifetimeNanoseconds,
                minimumHistoryAgeNanoseconds: configuration.minimumHistoryAgeNanoseconds,
                supersededGraceNanoseconds: configuration.supersededGraceNanoseconds, cacheBudget: budget)
        }
        var logOptions = LogStoreOptions()
        logOptions.minimumFreeBytes = data.reserveBytes
        logOptions.acceptsLostTail = configuration.acceptsLostLogTail
        let log = try SegmentedLogStore(
            directory: data.path + "/log", options: logOptions,
            mustExist: cores.values.contains { $0.appliedIndex > .zero })
        for notice in log.notices { daemon.logger.warning("log: \(notice)") }
        try data.sync()
        _ = try log.replay(after: cores.mapValues(\.appliedIndex)) { group, index, bytes in
            _ = try cores[group]?.apply(encoded: bytes, at: index)
        }
        try data.keepReserve()
        let alarm = FullDiskAlarm("shard", logger: daemon.logger, counters: daemon.counters)
        let host = try LogHost(store: log) { alarm.update($0) }
        var hosted: [ShardID: ShardCore] = [:]
        for shard in configuration.shards { hosted[shard] = cores.removeValue(forKey: LogGroupID(shard)) }
        return ShardStorage(
            data: data, state: state, host: host, cores: hosted, dormant: cores.mapValues(\.appliedIndex))
    }
}
