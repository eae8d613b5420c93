import Consensus
import EventLoop
import Protocol
import ReplicatedLog

extension RelayedRequest {
    /// What came to this process.
    init(of way: ClientWay, in group: LogGroupID, _ datagram: UnsafeRawBufferPointer) {
        self.init(
            group: GroupNumber(rawValue: group.rawValue), address: way.client.address, port: way.client.port,
            socket: way.socket, datagram: [UInt8](datagram))
    }

    /// How it came to the process in the slot `relay`, and so here.
    func way(through relay: ReplicaSlot) -> ClientWay {
        ClientWay(of: SocketAddress(address: address, port: port), socket: socket, relay: relay)
    }
}

extension RelayedAnswer {
    /// The answer for a client, to leave through a socket of the replica that has passed the request on.
    init(to way: ClientWay, in group: LogGroupID, _ datagram: [UInt8]) {
        self.init(
            group: GroupNumber(rawValue: group.rawValue), address: way.client.address, port: way.client.port,
            socket: way.socket, datagram: datagram)
    }

    var client: SocketAddress { SocketAddress(address: address, port: port) }
}
