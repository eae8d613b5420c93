import BlockRepair
import Client
import Daemon
import EventLoop
import Logging
import MaintenanceState
import Protocol
import Scrubbing

/// Scrubbing as a part of the daemon: tells log and counters, and keeps the table of findings on disk.
actor ScrubDuty: EndlessDuty {
    private static let lookNanoseconds: UInt64 = 1_000_000_000
    /// Counts of blocks and bytes in the table are at most so old.
    private static let tableNanoseconds: UInt64 = 60_000_000_000

    private let loop: any Loop
    private let cluster: LiveScrubCluster
    private let scrubber: Scrubber<LiveScrubCluster>
    private let teller: ScrubTeller
    private let state: MaintenanceState
    private let replacement: DamageReplacement
    private let table: TableFile
    private let logger: Logger
    private let firstDelayNanoseconds: UInt64
    /// Whether the table could not be written the last time.
    private var isTableOld = false

    nonisolated var unownedExecutor: UnownedSerialExecutor { loop.asUnownedSerialExecutor() }

    init(_ context: GcContext, _ options: ScrubOptions) {
        loop = context.client.loop
        logger = context.logger
        state = context.state
        table = TableFile(path: context.directory + "/findings")
        firstDelayNanoseconds = UInt64(context.firstDelay) * 1_000_000_000
        let replacement = DamageReplacement(FileRepair(cluster: context.repairCluster))
        self.replacement = replacement
        let teller = ScrubTeller(logger: context.logger, counters: context.counters, client: context.client)
        self.teller = teller
        cluster = LiveScrubCluster(
            client: context.client, registries: context.registries, requestsPerSecond: options.scrubRequestsPerSecond
        ) { (blocks, file, spanOffset) throws(ClientError) in
            try await replacement.replace(blocks, of: file, spanAt: spanOffset)
        }
        scrubber = Scrubber(cluster: cluster, memory: context.state, settings: options.settings) { teller.tell($0) }
    }

    func close() async {
        await cluster.close()
    }

    func run() async {
        writeTable()
        await loop.sleep(nanoseconds: firstDelayNanoseconds)
        guard !Task.isCancelled else { return }
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await self.scrubber.run() }
            group.addTask { await self.keepTable() }
        }
        writeTable()
    }

    private func keepTable() async {
        var last = loop.monotonicNanoseconds
        while !Task.isCancelled {
            await loop.sleep(nanoseconds: Self.lookNanoseconds)
            guard teller.takeNews() || loop.monotonicNanoseconds - last > Self.tableNanoseconds else { continue }
            last = loop.monotonicNanoseconds
            writeTable()
            await replacement.release()
        }
    }

    private func writeTable() {
        do {
            let now = Timestamp(nanoseconds: loop.wallClock())
            try table.replace(with: try FindingsTable.text(of: state, at: now))
            isTableOld = false
        } catch {
            // Once is enough: the reason is likely to stay for a while.
            if !isTableOld { logger.warning("the table of findings is not up to date: \(error)") }
            isTableOld = true
        }
    }
}
