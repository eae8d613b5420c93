import Consensus

/// What a process is for its groups.
package struct ReplicaPlace: Sendable {
    package let slot: ReplicaSlot
    /// Whether groups of which there is nothing here begin to exist, with this process as their only replica. Otherwise
    /// it waits for their leaders to take it in. Of the processes of a group one founds it, once.
    package let founds: Bool

    package init(slot: ReplicaSlot, founds: Bool) {
        self.slot = slot
        self.founds = founds
    }

    /// The first, and perhaps the only one.
    package static let founder = ReplicaPlace(slot: .first, founds: true)
}
