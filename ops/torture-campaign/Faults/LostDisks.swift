import Protocol
import Synchronization

/// Disks that are gone, or will be. Thread-safe.
final class LostDisks: Sendable {
    private struct State {
        var services: Set<BlockServiceID> = []
        var isPending = false
    }

    private let state = Mutex(State())

    /// What was on them counts as damaged.
    var services: Set<BlockServiceID> { state.withLock { $0.services } }

    /// Whether one is still to come, for which every span must keep one block more.
    var isPending: Bool { state.withLock { $0.isPending } }

    func expect(_ isPending: Bool) { state.withLock { $0.isPending = isPending } }

    func add(_ service: BlockServiceID) { state.withLock { _ = $0.services.insert(service) } }
}
