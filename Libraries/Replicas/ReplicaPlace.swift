import Consensus
import ReplicatedLog

/// What a process is for its groups.
package struct ReplicaPlace: Sendable {
    package let slot: ReplicaSlot
    /// Whether a group of which there is nothing here begins to exist, with this process as its only replica. Otherwise
    /// it waits for their leaders to take it in. Of the processes of a group one founds it, once.
    package let founds: @Sendable (LogGroupID) -> Bool

    package init(slot: ReplicaSlot, founds: @escaping @Sendable (LogGroupID) -> Bool) {
        self.slot = slot
        self.founds = founds
    }

    /// For all groups alike.
    package init(slot: ReplicaSlot, founds: Bool) {
        self.init(slot: slot) { _ in founds }
    }

    /// The first, and perhaps the only one.
    package static let founder = ReplicaPlace(slot: .first, founds: true)
}
