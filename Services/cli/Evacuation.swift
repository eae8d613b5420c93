import BlockRepair
import Client
import EventLoop
import Protocol

/// Moves all blocks off one block service in the foreground, and says how far it is.
struct Evacuation: Sendable {
    private static let requestsPerSecond: UInt32 = 5000

    let registry: CommandRegistry
    let service: BlockServiceID
    let bytesPerSecond: UInt64
    let filesAtOnce: Int
    /// Until then shards may still place new blocks there.
    let settleNanoseconds: UInt64

    /// Blocks could not be moved, pass after pass.
    struct Failure: Error, CustomStringConvertible {
        let failedSpans: Int

        var description: String {
            "blocks of \(failedSpans) spans could not be moved (see above). Once the cause is removed, run it again"
        }
    }

    /// Returns when no finished file has a block there any more.
    func run() async throws {
        let loop = registry.loop
        var clientOptions = ClientOptions()
        clientOptions.readCacheBytes = 0
        clientOptions.clusterKey = registry.key
        let client = try Client(loop: loop, registries: registry.addresses, options: clientOptions)
        try await client.start()
        let cluster = LiveRepairCluster(
            client: client, registries: registry.addresses, requestsPerSecond: Self.requestsPerSecond)
        let outcome: Result<Void, any Error>
        do {
            outcome = .success(try await evacuate(cluster))
        } catch {
            outcome = .failure(error)
        }
        await cluster.close()
        await client.close()
        try outcome.get()
    }

    private func evacuate(_ cluster: LiveRepairCluster) async throws {
        var repairOptions = RepairOptions()
        repairOptions.bytesPerSecond = bytesPerSecond
        let repair = FileRepair(cluster: cluster, options: repairOptions)
        var options = MigrationOptions()
        options.services = [service]
        options.takesDecommissioned = false
        options.filesAtOnce = filesAtOnce
        options.pollNanoseconds = 10_000_000_000
        let migrator = Migrator(cluster: cluster, repair: repair, options: options, report: Self.tell)
        let begin = cluster.monotonicNanoseconds
        var known: Set<BlockServiceID> = []
        var failedPasses = 0
        while true {
            let passBegin = cluster.monotonicNanoseconds
            let pass = await migrator.pass(false, &known)
            if pass.isComplete, pass.tally.replacedBlocks == 0, pass.tally.failedSpans == 0 {
                guard passBegin &- begin < settleNanoseconds else { break }
                let left = settleNanoseconds - (passBegin &- begin)
                print("waiting \(left / 1_000_000_000 + 1) s until every shard knows that it takes no new blocks")
                await cluster.sleep(nanoseconds: left)
            } else if pass.tally.replacedBlocks == 0 {
                failedPasses += 1
                guard failedPasses < 3 else {
                    await repair.releaseScratchFiles()
                    throw Failure(failedSpans: pass.tally.failedSpans)
                }
                await cluster.sleep(nanoseconds: 5_000_000_000)
            } else {
                failedPasses = 0
            }
        }
        await repair.releaseScratchFiles()
    }

    private static func tell(_ event: MigrationEvent) {
        switch event {
        case .progress(let progress): print(progress.description)
        case .failed(let error): print("\(error)")
        case .trouble(let error): print("\(error); it is tried again")
        case .began, .file, .empty: break
        }
    }
}
