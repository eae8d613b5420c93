import Client
import Daemon
import EventLoop
import Logging
import MaintenanceState
import Protocol
import Scrubbing

/// Scrubbing as a part of the daemon: tells log and counters, and keeps the table of findings on disk.
actor ScrubDuty {
    private static let lookNanoseconds: UInt64 = 1_000_000_000
    /// Counts of blocks and bytes in the table are at most so old.
    private static let tableNanoseconds: UInt64 = 60_000_000_000

    private let loop: EventLoop
    private let scrubber: Scrubber<LiveScrubCluster>
    private let teller: ScrubTeller
    private let state: MaintenanceState
    private let replacement: DamageReplacement
    private let table: TableFile
    private let logger: Logger
    private let firstDelayNanoseconds: UInt64

    nonisolated var unownedExecutor: UnownedSerialExecutor { loop.asUnownedSerialExecutor() }

    init(
        client: Client, cluster: LiveScrubCluster, logger: Logger, counters: Counters, state: MaintenanceState,
        replacement: DamageReplacement, directory: String, options: ScrubOptions, firstDelay: UInt32
    ) {
        self.replacement = replacement
        loop = client.loop
        self.logger = logger
        self.state = state
        table = TableFile(path: directory + "/findings")
        firstDelayNanoseconds = UInt64(firstDelay) * 1_000_000_000
        let teller = ScrubTeller(logger: logger, counters: counters, client: client)
        self.teller = teller
        scrubber = Scrubber(cluster: cluster, memory: state, settings: options.settings) { teller.tell($0) }
    }

    /// Until the task is cancelled.
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
        } catch {
            logger.warning("the table of findings is not up to date: \(error)")
        }
    }
}
