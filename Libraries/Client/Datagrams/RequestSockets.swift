import EventLoop

/// The sockets from which requests leave: one for each address of this machine that the kernel would use towards the
/// servers, so that they are not open to any other network. Confined to its loop.
final class RequestSockets {
    /// Called for each datagram that arrives, with where it came from.
    var onDatagram: ((UnsafeRawBufferPointer, SocketAddress) -> Void)?

    private let loop: EventLoop
    /// By our own address.
    private var sockets: [UInt32: UDPSocket] = [:]
    /// The socket by the server's address.
    private var routes: [UInt32: UDPSocket] = [:]

    init(loop: EventLoop) {
        self.loop = loop
    }

    /// The socket to send from to a server.
    func socket(towards server: SocketAddress) throws(SystemError) -> UDPSocket {
        if let known = routes[server.address] { return known }
        let ours = try server.localSide()
        let socket: UDPSocket
        if let open = sockets[ours.address] { socket = open } else { socket = try open(ours) }
        routes[server.address] = socket
        return socket
    }

    /// The server does not answer: perhaps the way to it is another one by now.
    func forgetRoute(to server: SocketAddress) {
        routes[server.address] = nil
    }

    func close() {
        for socket in sockets.values { socket.close() }
        sockets = [:]
        routes = [:]
    }

    private func open(_ address: SocketAddress) throws(SystemError) -> UDPSocket {
        let socket = try UDPSocket(on: loop, binding: address)
        socket.onDatagram = { [weak self] datagram, sender in self?.onDatagram?(datagram, sender) }
        sockets[address.address] = socket
        return socket
    }
}
