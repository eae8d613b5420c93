import Logging
import Metrics
import Synchronization

/// Tells people when the disk under a service's log is full: in its log, and as the gauge `SERVICE_alarm_full_disk`.
/// Thread-safe.
public final class FullDiskAlarm: Sendable {
    private let logger: Logger
    private let isRaised = Atomic(false)

    public init(_ service: String, logger: Logger, counters: Counters) {
        self.logger = logger
        counters.gauge("\(service)_alarm_full_disk") { [self] in isRaised.load(ordering: .relaxed) ? 1 : 0 }
    }

    /// - Parameter shortage: why nothing can be written; nil when it can again.
    public func update(_ shortage: String?) {
        isRaised.store(shortage != nil, ordering: .relaxed)
        if let shortage {
            logger.warning("alarm: the disk is full, so changes wait and clients get no answer: \(shortage)")
        } else {
            logger.notice("alarm is over: the disk has room again")
        }
    }
}
