import Client
import Daemon
import EventLoop
import Logging
import Metrics
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
    private let pacer: Pacer
    private let questions: Counter
    private let pipeline: RegistryPipeline
    private let logger: Logger
    private let intervalNanoseconds: UInt64
    private let registries: [SocketAddress]
    /// Only during a round, so that nothing wakes up in between.
    private var client: Client?
    /// What new spans need, by the policies of the root directory; empty until they were read.
    private(set) var needs: [PlacementNeed] = []

    /// - Parameter registries: where this registry listens.
    init(daemon: Daemon, pipeline: RegistryPipeline, registries: [SocketAddress], intervalNanoseconds: UInt64) {
        loop = daemon.loop
        logger = daemon.logger
        self.pipeline = pipeline
        self.registries = registries
        self.intervalNanoseconds = intervalNanoseconds
        questions = daemon.counters.counter("registry_has_files_questions_total")
        pacer = Pacer(loop: daemon.loop, perSecond: Self.requestsPerSecond)
    }

    /// Until the task is cancelled.
    func run() async {
        var survey = HasFilesSurvey()
        while !Task.isCancelled {
            await loop.sleep(nanoseconds: intervalNanoseconds)
            guard !Task.isCancelled else { return }
            // The leader does it for all.
            if pipeline.leads { await round(&survey) }
        }
    }

    /// Fails what is under way; nothing is to be asked any more.
    func close() async {
        await client?.close()
    }

    private func round(_ survey: inout HasFilesSurvey) async {
        var options = ClientOptions()
        options.readCacheBytes = 0
        options.pendingWriteBytes = 0
        // A shard that is away is asked again in the next round.
        options.shardTiming.overallNanoseconds = 2_000_000_000
        do throws(ClientError) {
            let client = try Client(loop: loop, registries: registries, options: options)
            self.client = client
            try await client.start()
            await readPolicies(client)
            await look(&survey, client)
        } catch {
            logger.debug("the shards cannot be asked now: \(error)")
        }
        await client?.close()
        client = nil
    }

    private func readPolicies(_ client: Client) async {
        do throws(ClientError) {
            let policies = try await client.writePolicies(of: .root)
            needs = PlacementNeed.all(span: policies.span, block: policies.block)
        } catch {
            logger.debug("the policies of the root directory cannot be read now: \(error)")
        }
    }

    /// One round over all block services.
    private func look(_ survey: inout HasFilesSurvey, _ client: Client) async {
        var changes: [HasFilesChange] = []
        for service in pipeline.blockServices() {
            guard !Task.isCancelled else { return }
            let answer = await survey.hasFiles(service, now: loop.monotonicNanoseconds) { service, shard in
                await ask(service, shard, client)
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
        if !changes.isEmpty { pipeline.setHasFiles(changes) }
        changes = []
    }

    private func ask(_ service: BlockServiceID, _ shard: ShardID, _ client: Client) async -> Bool? {
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
