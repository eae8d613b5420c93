import Client
import Daemon
import EventLoop
import Logging
import Protocol
import RegistryCore

/// What the registry asks the shards for: which disks hold files, and what new spans need.
///
/// `@unchecked Sendable`: confined to the loop. `run` and whatever it calls are steps of one task of the loop, and
/// `needs` is read in callbacks of the loop.
final class ClusterWatch: @unchecked Sendable {
    /// Questions to shards per second, at most.
    private static let requestsPerSecond: UInt32 = 1000
    /// Changes in one log entry, at most.
    private static let changesPerEntry = 100

    private let loop: EventLoop
    private let client: Client
    private let pacer: Pacer
    private let questions: Counter
    private let log: RegistryLog
    private let logger: Logger
    private let intervalNanoseconds: UInt64
    private var isStarted = false
    /// What new spans need, by the policies of the root directory; empty until they were read.
    private(set) var needs: [PlacementNeed] = []

    /// - Parameter registries: where this registry listens.
    init(
        daemon: Daemon, log: RegistryLog, registries: [SocketAddress], intervalNanoseconds: UInt64
    ) throws(ClientError) {
        loop = daemon.loop
        logger = daemon.logger
        self.log = log
        self.intervalNanoseconds = intervalNanoseconds
        questions = daemon.counters.counter("registry_has_files_questions_total")
        pacer = Pacer(loop: daemon.loop, perSecond: Self.requestsPerSecond)
        var options = ClientOptions()
        options.readCacheBytes = 0
        options.pendingWriteBytes = 0
        // A shard that is away is asked again in the next round.
        options.shardTiming.overallNanoseconds = 2_000_000_000
        client = try Client(loop: daemon.loop, registries: registries, options: options)
    }

    /// Until the task is cancelled.
    func run() async {
        var survey = HasFilesSurvey()
        while !Task.isCancelled {
            await loop.sleep(nanoseconds: intervalNanoseconds)
            guard !Task.isCancelled, await start() else { continue }
            await readPolicies()
            await look(&survey)
        }
    }

    func close() async {
        await client.close()
    }

    private func start() async -> Bool {
        if isStarted { return true }
        do throws(ClientError) {
            try await client.start()
            isStarted = true
        } catch {
            logger.debug("the shards are not known yet: \(error)")
        }
        return isStarted
    }

    private func readPolicies() async {
        do throws(ClientError) {
            let policies = try await client.writePolicies(of: .root)
            needs = PlacementNeed.all(span: policies.span, block: policies.block)
        } catch {
            logger.debug("the policies of the root directory cannot be read now: \(error)")
        }
    }

    /// One round over all block services.
    private func look(_ survey: inout HasFilesSurvey) async {
        var changes: [HasFilesChange] = []
        for service in log.blockServices() {
            guard !Task.isCancelled else { return }
            let answer = await survey.hasFiles(service, now: loop.monotonicNanoseconds) { service, shard in
                await ask(service, shard)
            }
            guard let answer, answer != service.hasFiles else { continue }
            changes.append(HasFilesChange(id: service.id, hasFiles: answer))
            if changes.count == Self.changesPerEntry { flush(&changes) }
        }
        flush(&changes)
    }

    private func flush(_ changes: inout [HasFilesChange]) {
        for change in changes {
            logger.info("block service \(change.id) \(change.hasFiles ? "holds files" : "holds no files any more")")
        }
        // One that does not get through is found again in the next round.
        if !changes.isEmpty { log.setHasFiles(changes) }
        changes = []
    }

    private func ask(_ service: BlockServiceID, _ shard: ShardID) async -> Bool? {
        await pacer.turn()
        questions.add()
        let request = BlockServiceFilesRequest(blockServiceId: service, startFrom: .null)
        do throws(ClientError) {
            return try await !client.call(request, shard: shard).fileIds.isEmpty
        } catch {
            return nil
        }
    }
}
