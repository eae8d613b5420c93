import BlockRepair
import Client
import Daemon
import EventLoop
import Logging
import Metrics
import Protocol
import Synchronization

/// The migrate duty: evacuates block services for ever, and tells the log and the counters about it.
struct Migration: EndlessDuty {
    /// Of one pass so many errors are logged one by one.
    private static let loggedFailures = 20

    private let migrator: Migrator<LiveRepairCluster>

    init(_ context: GcContext, _ options: MigrateOptions) throws {
        let cluster = context.repairCluster
        let teller = MigrationTeller(logger: context.logger, counters: context.counters, limit: Self.loggedFailures)
        migrator = Migrator(
            cluster: cluster, repair: FileRepair(cluster: cluster, options: options.repair),
            options: try options.migration
        ) { event in teller.tell(event) }
    }

    func run() async {
        await migrator.run()
    }

    /// Everything that this waits for is closed with the context.
    func close() async {}
}

/// Puts what a migrator tells into words and numbers. Thread-safe.
private final class MigrationTeller: Sendable {
    private let logger: Logger
    private let counters: Counters
    private let limit: Int
    private let progress = Mutex(MigrationProgress())
    private let failures = Mutex(0)

    init(logger: Logger, counters: Counters, limit: Int) {
        self.logger = logger
        self.counters = counters
        self.limit = limit
        counters.gauge("gc_migrate_remaining_files") { [weak self] in self?.value { $0.remainingFiles } ?? 0 }
        counters.gauge("gc_migrate_remaining_blocks") { [weak self] in self?.value { $0.remainingBlocks ?? 0 } ?? 0 }
        counters.gauge("gc_migrate_remaining_bytes") { [weak self] in self?.value { $0.remainingBytes ?? 0 } ?? 0 }
        counters.gauge("gc_migrate_bytes_per_second") { [weak self] in self?.value { Int($0.bytesPerSecond) } ?? 0 }
    }

    private func value(_ read: (MigrationProgress) -> Int) -> UInt64 {
        progress.withLock { UInt64(clamping: read($0)) }
    }

    func tell(_ event: MigrationEvent) {
        switch event {
        case .began(let services):
            let names = services.map(\.nameForPeople).joined(separator: ", ")
            logger.notice("migrate: \(services.count) block services with files are to be evacuated: \(names)")
        case .progress(let new):
            progress.withLock { $0 = new }
            logger.info("migrate: \(new.description)")
            let omitted = failures.withLock { count in
                defer { count = 0 }
                return max(0, count - limit)
            }
            if omitted > 0 { logger.warning("migrate: \(omitted) more spans failed; they are tried again") }
        case .file(_, let tally):
            for (name, value) in tally.counts where value > 0 {
                counters.counter("gc_migrate_\(name)_total").add(UInt64(clamping: value))
            }
        case .failed(let error):
            let number = failures.withLock { count in
                count += 1
                return count
            }
            if number <= limit { logger.warning("migrate: \(error)") }
        case .empty(let service):
            logger.notice("migrate: no file has a block on \(service.nameForPeople) any more; the disk may be pulled")
        case .trouble(let error):
            logger.warning("migrate: \(error); it is tried again")
        }
    }
}

extension BlockServiceDeprecatedInfo {
    /// Number and path.
    fileprivate var nameForPeople: String { "\(id) (\(String(decoding: path, as: UTF8.self)))" }
}
