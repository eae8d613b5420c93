import Consensus
import Mutations

/// Which lives of disks have been seen in each slot, so that none comes back after another one. Incarnations have no
/// order: that one is older is only known from having seen both.
struct KnownIncarnations {
    private struct Slot {
        var current: Incarnation?
        var replaced: [Incarnation] = []
    }

    private var slots: [ReplicaSlot: Slot] = [:]

    /// So many are remembered for a slot. More disks are not replaced while a process runs.
    private static let limit = 64

    func isReplaced(_ peer: PeerIdentity) -> Bool {
        if Mutation.replacedPeersReturn.isPlanted { return false }
        return slots[peer.slot]?.replaced.contains(peer.incarnation) ?? false
    }

    /// A peer has proved who it is.
    ///
    /// - Returns: whether it takes the place of another life.
    mutating func insert(_ peer: PeerIdentity) -> Bool {
        var slot = slots[peer.slot, default: Slot()]
        guard slot.current != peer.incarnation else { return false }
        let previous = slot.current
        if let previous { slot.replaced = (slot.replaced + [previous]).suffix(Self.limit) }
        slot.current = peer.incarnation
        slots[peer.slot] = slot
        return previous != nil
    }
}
