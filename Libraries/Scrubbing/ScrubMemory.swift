import MaintenanceState
import Protocol
import Synchronization

/// The state as scrubbing writes it. Trouble with it, such as a full disk, is told once, and once that it is over.
/// Thread-safe.
final class ScrubMemory: Sendable {
    let state: MaintenanceState
    private let observer: @Sendable (ScrubEvent) -> Void
    private let failing = Mutex(false)

    init(_ state: MaintenanceState, _ observer: @escaping @Sendable (ScrubEvent) -> Void) {
        self.state = state
        self.observer = observer
    }

    /// Whether something can be remembered now. While it cannot, nothing should be begun: a scrub that forgets where it
    /// was and what it found is no use.
    func isWritable() -> Bool {
        guard failing.withLock({ $0 }) else { return true }
        do throws(MaintenanceStateError) {
            try state.checkWritable()
        } catch {
            return false
        }
        let isOver = failing.withLock { failing in
            defer { failing = false }
            return failing
        }
        if isOver { observer(.stateWorksAgain) }
        return true
    }

    /// Writes something.
    /// - Returns: why it failed; nil: it did not.
    @discardableResult
    func remember(_ write: () throws(MaintenanceStateError) -> Void) -> MaintenanceStateError? {
        do throws(MaintenanceStateError) {
            try write()
        } catch {
            failed(error)
            return error
        }
        return nil
    }

    /// Findings of earlier passes over a disk; none when they cannot be read.
    func findings(on disk: BlockServiceID) -> [DamageFinding] {
        do throws(MaintenanceStateError) {
            return try state.findings(on: disk)
        } catch {
            failed(error)
            return []
        }
    }

    /// Reading or writing failed.
    func failed(_ error: MaintenanceStateError) {
        let isNew = failing.withLock { failing in
            defer { failing = true }
            return !failing
        }
        if isNew { observer(.stateError(error)) }
    }
}
