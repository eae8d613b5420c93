import Consensus
import EventLoop

/// Which of the processes with replicas of the same groups a process is, and where all of them listen for each other.
package struct ReplicaPlan: Sendable {
    package let place: ReplicaPlace
    /// By slot, that of this process as well; empty: it has the only replica of its groups.
    package let addresses: [ReplicaSlot: SocketAddress]

    package init(_ place: ReplicaPlace, _ addresses: [ReplicaSlot: SocketAddress]) {
        self.place = place
        self.addresses = addresses
    }

    /// The only replica of all its groups.
    package static let alone = ReplicaPlan(.founder, [:])

    package var isAlone: Bool { addresses.isEmpty }
}
