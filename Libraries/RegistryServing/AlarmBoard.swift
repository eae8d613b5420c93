import Logging
import Metrics
import RegistryCore
import Synchronization

/// Tells the log when an alarm begins and ends, and counts those that stand: `registry_alarm_…`, for scripts.
final class AlarmBoard {
    private let logger: Logger
    private let counts = Counts()
    private var standing: [String: RegistryAlarm] = [:]

    /// Read by any thread.
    private final class Counts: Sendable {
        let byKind = Mutex<[RegistryAlarm.Kind: Int]>([:])
    }

    init(logger: Logger, counters: Counters) {
        self.logger = logger
        for kind in RegistryAlarm.Kind.allCases {
            counters.gauge("registry_alarm_\(kind.rawValue)") { [counts] in
                counts.byKind.withLock { UInt64(clamping: $0[kind] ?? 0) }
            }
        }
    }

    /// These are all there are now.
    func update(_ alarms: [RegistryAlarm]) {
        var now: [String: RegistryAlarm] = [:]
        for alarm in alarms { now["\(alarm.kind.rawValue) \(alarm.subject)"] = alarm }
        for (key, alarm) in now.sorted(by: { $0.key < $1.key }) where standing[key] == nil {
            logger.warning("alarm: \(alarm.description)")
        }
        for (key, alarm) in standing.sorted(by: { $0.key < $1.key }) where now[key] == nil {
            logger.notice("alarm is over: \(alarm.description)")
        }
        standing = now
        counts.byKind.withLock { counts in
            counts = Dictionary(alarms.map { ($0.kind, 1) }, uniquingKeysWith: +)
        }
    }
}
