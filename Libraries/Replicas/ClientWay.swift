import Consensus
import EventLoop

/// How a client's datagram came to a replica, and so how its answer goes.
package struct ClientWay: Hashable, Sendable {
    package let client: SocketAddress
    /// Which socket it came through: of this replica, or of the follower that has passed it on.
    package let socket: UInt16
    /// That follower; nil: it came to this replica.
    package let relay: ReplicaSlot?

    package init(of client: SocketAddress, socket: UInt16, relay: ReplicaSlot? = nil) {
        self.client = client
        self.socket = socket
        self.relay = relay
    }
}
