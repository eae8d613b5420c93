import EventLoop
import Logging
import Protocol
import ReplicatedLog

/// What a process keeps of its groups: the log makes every entry durable at once, the state is what the entries amount
/// to, flushed now and then. After a crash the state is the last flush plus a replay of the log. Thread-safe.
package final class ReplicaStorage: Sendable {
    package let disk: any ReplicaDisk
    package let host: LogHost
    /// What the state of each group held before the log was read: that much is durable.
    package let flushed: [LogGroupID: LogIndex]
    /// The last entry of each group: where its log goes on.
    package let last: [LogGroupID: LogIndex]

    /// Opens the log and reads it. Blocks; for start-up.
    ///
    /// - Parameters:
    ///   - applied: what the state of each group holds that may have entries in the log.
    ///   - onShortage: called on the writer's thread when the disk becomes full, with the reason, and with nil when
    ///     there is room again.
    ///   - replay: applies an entry that the state lacks.
    package init(
        _ disk: any ReplicaDisk, applied: [LogGroupID: LogIndex],
        onShortage: @escaping @Sendable (String?) -> Void = { _ in },
        replay: (LogGroupID, LogIndex, UnsafeRawBufferPointer) throws -> Void
    ) throws {
        self.disk = disk
        flushed = applied
        let log = try disk.openLog(mustExist: applied.values.contains { $0 > .zero })
        last = try log.replay(after: applied, replay)
        try disk.opened()
        host = try LogHost(store: log, on: disk.makeWriter(), onShortage: onShortage)
    }

    /// Whether changes wait for room on the disk.
    package var isFull: Bool { host.shortage != nil }

    /// Makes durable what is in flight, for it to be delivered, and takes nothing more. Blocks.
    package func closeLog() { host.close() }

    /// Flushes the state and lets go of it, when everything was delivered. Blocks. Without room for that the next start
    /// replays the log instead, and `logger` says so.
    package func closeState(_ logger: Logger) throws {
        if try !disk.close() { logger.warning("no room to flush the state; the next start replays the log instead") }
    }

    /// Both, where all groups are on one loop.
    package func close(on loop: EventLoop, _ logger: Logger, _ done: @escaping () -> Void) {
        // On another thread, as what comes from there is behind the deliveries that the writer thread has left for the
        // loop, and what the loop submits to itself is not.
        loop.work({ [self] in closeLog() }) { [self] _ in
            do {
                try closeState(logger)
            } catch {
                logger.error("closing the state: \(error)")
            }
            done()
        }
    }
}
