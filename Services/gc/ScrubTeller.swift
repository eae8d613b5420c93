import Client
import Daemon
import Logging
import MaintenanceState
import Metrics
import Protocol
import Scrubbing
import Synchronization

/// Turns what scrubbing tells into log lines and counters. Thread-safe.
final class ScrubTeller: Sendable {
    private let logger: Logger
    private let counters: Counters
    private let names: NameSearch
    private let checkedBlocks: Counter
    private let checkedBytes: Counter
    private let hasNews = Atomic(false)

    init(logger: Logger, counters: Counters, client: Client) {
        self.logger = logger
        self.counters = counters
        names = NameSearch(client: client, logger: logger)
        checkedBlocks = counters.counter("gc_scrub_checked_blocks_total")
        checkedBytes = counters.counter("gc_scrub_checked_bytes_total")
    }

    /// Whether anything happened since the last call that belongs into the table.
    func takeNews() -> Bool { hasNews.exchange(false, ordering: .relaxed) }

    func tell(_ event: ScrubEvent) {
        if case .checked(let bytes) = event {
            checkedBlocks.add()
            checkedBytes.add(bytes)
            return
        }
        hasNews.store(true, ordering: .relaxed)
        switch event {
        case .checked: break
        case .found(let finding): tell(finding)
        case .deviceError(let disk, let block):
            counters.counter("gc_scrub_device_errors_total").add()
            logger.warning("scrub: disk \(disk.id) (\(disk.path)) gives device errors, now at block \(block)")
        case .passEnded(let disk, let record):
            counters.counter("gc_scrub_passes_total").add()
            logger.info(
                """
                scrub: disk \(disk.id) (\(disk.path)) is checked completely; since its records began \
                \(record.checkedBlocks) blocks, \(record.damaged) damaged, \(record.repaired) repaired
                """)
        case .passInterrupted(let disk, let reason):
            counters.counter("gc_scrub_interruptions_total").add()
            logger.warning("scrub: disk \(disk.id) (\(disk.path)) has to wait: \(reason)")
        case .noDisks(let error): logger.warning("scrub: no list of disks: \(error)")
        case .stateError(let error):
            counters.counter("gc_scrub_state_errors_total").add()
            logger.error("scrub: PAUSED, as nothing can be remembered: \(error)")
        case .stateWorksAgain: logger.notice("scrub: what is found can be remembered again; scrubbing goes on")
        }
    }

    /// A block that nobody answers for may be well, so it is no damage.
    private func tellUnanswered(_ finding: DamageFinding) {
        let what = "block \(finding.block) of file \(finding.file) on disk \(finding.disk)"
        switch finding.outcome {
        case .answered: logger.info("scrub: \(what) was answered for at last")
        case .gone: logger.info("scrub: \(what), never answered for, is there no more")
        case .found, .repaired, .unrepairable:
            counters.counter("gc_scrub_unanswered_total").add()
            logger.warning("scrub: \(what) is passed over, as there is no answer for it: \(finding.detail)")
        }
    }

    /// Nothing of such a span is checked.
    private func tellImpossible(_ finding: DamageFinding) {
        let what = "the span at \(finding.spanOffset) of file \(finding.file), found on disk \(finding.disk)"
        switch finding.outcome {
        case .answered: logger.notice("scrub: \(what), makes sense by now")
        case .gone: logger.info("scrub: \(what), which made no sense, is there no more")
        case .found, .repaired, .unrepairable:
            counters.counter("gc_scrub_impossible_total").add()
            logger.error("scrub: \(what), CANNOT BE CHECKED, its description makes no sense: \(finding.detail)")
            names.look(for: finding.file)
        }
    }

    private func tell(_ finding: DamageFinding) {
        if finding.damage == .unanswered { return tellUnanswered(finding) }
        if finding.damage == .impossible { return tellImpossible(finding) }
        counters.counter("gc_scrub_\(finding.damage)_total").add()
        let what = "block \(finding.block) of file \(finding.file), span at \(finding.spanOffset), "
            + "on disk \(finding.disk) is \(finding.damage)"
        switch finding.outcome {
        case .repaired:
            counters.counter("gc_scrub_repaired_total").add()
            logger.warning("scrub: \(what): repaired")
        case .unrepairable:
            counters.counter("gc_scrub_unrepairable_total").add()
            logger.error("scrub: \(what) and CANNOT BE REPAIRED now: \(finding.detail)")
            names.look(for: finding.file)
        case .gone: logger.info("scrub: \(what): the file is gone")
        case .found, .answered: logger.warning("scrub: \(what)")
        }
    }
}
