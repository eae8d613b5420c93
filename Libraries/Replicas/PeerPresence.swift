import Consensus
import Synchronization

/// Which processes are connected, and which lives of their disks they are. Thread-safe.
package final class PeerPresence: Sendable {
    private let present = Mutex<[ReplicaSlot: Member]>([:])

    package init() {}

    /// In the order of their slots.
    package var members: [Member] {
        present.withLock { $0.values.sorted { $0.slot < $1.slot } }
    }

    func add(_ member: Member) { present.withLock { $0[member.slot] = member } }

    func remove(_ member: Member) {
        present.withLock { if $0[member.slot] == member { $0[member.slot] = nil } }
    }
}
