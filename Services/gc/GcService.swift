import BlockRepair
import Client
import Daemon
import EventLoop
import GarbageCollection
import Logging
import MaintenanceState
import Protocol
import Scrubbing

/// A running garbage collector.
enum GcService {
    /// Starts the duties once the cluster answers.
    static func start(
        _ daemon: Daemon, registries: [SocketAddress], state: MaintenanceState, directory: String,
        options: GcOptions, scrub: ScrubOptions, migrate: MigrateOptions
    ) throws {
        var clientOptions = ClientOptions()
        // Files are not read or written here. Memory for blocks under repair is used again.
        clientOptions.readCacheBytes = 0
        clientOptions.pendingWriteBytes = migrate.migrate || scrub.scrub ? 64 << 20 : 0
        let client = try Client(loop: daemon.loop, registries: registries, options: clientOptions)
        let cluster = LiveCluster(
            client: client, registries: registries, requestsPerSecond: options.requestsPerSecond)
        let schedule = DutySchedule(
            loop: daemon.loop, logger: daemon.logger, counters: daemon.counters, state: state,
            shardsAtOnce: options.shardsAtOnce, firstDelay: options.firstDelay)
        let duties = duties(cluster, options, daemon.logger)
        let repairCluster = LiveRepairCluster(
            client: client, registries: registries, requestsPerSecond: options.requestsPerSecond)
        let replacement = DamageReplacement(FileRepair(cluster: repairCluster))
        let scrubCluster = LiveScrubCluster(
            client: client, registries: registries, requestsPerSecond: scrub.scrubRequestsPerSecond
        ) { (blocks, file) throws(ClientError) in try await replacement.replace(blocks, of: file) }
        let scrubDuty = scrub.scrub
            ? ScrubDuty(
                client: client, cluster: scrubCluster, logger: daemon.logger, counters: daemon.counters, state: state,
                replacement: replacement, directory: directory, options: scrub, firstDelay: options.firstDelay) : nil
        let migration =
            migrate.migrate
            ? try Migration(
                client: client, registries: registries, requestsPerSecond: options.requestsPerSecond, options: migrate,
                daemon: daemon) : nil
        let (loop, logger) = (daemon.loop, daemon.logger)
        let ready = OnLoop(loop) { daemon.ready() }
        let work = loop.task {
            guard await started(client, loop, logger) else { return }
            ready.call()
            await withTaskGroup(of: Void.self) { group in
                group.addTask { await schedule.run(duties) }
                if let scrubDuty { group.addTask { await scrubDuty.run() } }
                if let migration { group.addTask { await migration.run() } }
            }
        }
        daemon.onShutdown { done in
            let finished = OnLoop(loop, done)
            work.cancel()
            loop.task {
                // Fails what is under way, so that the duties end.
                await cluster.close()
                await scrubCluster.close()
                await repairCluster.close()
                await migration?.close()
                await client.close()
                await work.value
                do throws(MaintenanceStateError) {
                    try state.close()
                } catch {
                    logger.warning("\(error)")
                }
                finished.call()
            }
        }
    }

    /// Waits until the registry knows all shards.
    private static func started(_ client: Client, _ loop: EventLoop, _ logger: Logger) async -> Bool {
        while !Task.isCancelled {
            do {
                try await client.start()
                return true
            } catch {
                logger.warning("waiting for the cluster: \(error)")
                await loop.sleep(nanoseconds: 2_000_000_000)
            }
        }
        return false
    }

    private static func duties(_ cluster: LiveCluster, _ options: GcOptions, _ logger: Logger) -> [Duty] {
        let second: UInt64 = 1_000_000_000
        let rounds = ShardRounds(
            cluster: cluster,
            collector: DirectoryCollector(
                cluster: cluster, minimumAgeNanoseconds: UInt64(options.collectDirectoriesMinEdgeAge) * second),
            destructor: FileDestructor(
                cluster: cluster, marginNanoseconds: UInt64(options.destructMargin) * second,
                pauseNanoseconds: UInt64(options.destructPause) * second, erasuresPerDisk: options.erasuresPerDisk),
            filesAtOnce: options.destructFilesAtOnce
        ) { shard, item, error in
            // What fails because the service ends is no news.
            guard !Task.isCancelled else { return }
            logger.warning("shard \(shard)\(item.map { ", inode \($0)" } ?? ""): \(error)")
        }
        var duties: [Duty] = []
        if options.collectDirectories {
            duties.append(
                Duty("collect", every: options.collectInterval) { shard, place, reached in
                    await rounds.collectDirectories(of: shard, from: place, reached: reached)
                })
        }
        if options.destructFiles {
            duties.append(
                Duty("destruct", every: options.destructInterval) { shard, place, reached in
                    await rounds.destroyFiles(of: shard, from: place, reached: reached)
                })
        }
        if options.zeroBlockServices {
            duties.append(
                Duty("index", every: options.indexInterval) { shard, place, reached in
                    await rounds.cleanIndex(of: shard, from: place, reached: reached)
                })
        }
        return duties
    }
}

/// Something of the loop that a task on the loop calls back.
///
/// `@unchecked Sendable`: made on the loop, and only called by tasks that run there, which `call` asserts.
private struct OnLoop: @unchecked Sendable {
    private let loop: EventLoop
    private let body: () -> Void

    init(_ loop: EventLoop, _ body: @escaping () -> Void) {
        self.loop = loop
        self.body = body
    }

    func call() {
        assert(loop.isOnLoop)
        body()
    }
}
