import EventLoop
import Protocol
import ReplicatedLog

extension RelayedRequest {
    /// What came from `client` through this socket.
    package init(
        of client: SocketAddress, socket: UInt16, in group: LogGroupID, _ datagram: UnsafeRawBufferPointer
    ) {
        self.init(
            group: GroupNumber(rawValue: group.rawValue), address: client.address, port: client.port, socket: socket,
            datagram: [UInt8](datagram))
    }

    package var client: SocketAddress { SocketAddress(address: address, port: port) }
}

extension RelayedAnswer {
    /// The answer for `client`, to leave through this socket of the replica that has passed the request on.
    package init(to client: SocketAddress, socket: UInt16, in group: LogGroupID, _ datagram: [UInt8]) {
        self.init(
            group: GroupNumber(rawValue: group.rawValue), address: client.address, port: client.port, socket: socket,
            datagram: datagram)
    }

    package var client: SocketAddress { SocketAddress(address: address, port: port) }
}
