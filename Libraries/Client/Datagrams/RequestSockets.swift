import EventLoop

/// The sockets from which requests leave: one for each address of this machine that the kernel would use towards the
/// servers, so that they are not open to any other network. Confined to its loop.
final class RequestSockets: DatagramPort {
    var onDatagram: ((UnsafeRawBufferPointer, SocketAddress) -> Void)?

    private let loop: EventLoop
    /// By our own address.
    private var sockets: [UInt32: UDPSocket] = [:]
    /// The socket by the server's address.
    private var routes: [UInt32: UDPSocket] = [:]

    init(loop: EventLoop) {
        self.loop = loop
    }

    func send(_ packet: [UInt8], to server: SocketAddress) throws(SystemError) {
        try socket(towards: server).send(packet, to: server)
    }

    /// The socket to send from to a server.
    private func socket(towards server: SocketAddress) throws(SystemError) -> UDPSocket {
        if let known = routes[server.address] { return known }
        let ours = try server.localSide()
        let socket: UDPSocket
        if let open = sockets[ours.address] { socket = open } else { socket = try open(ours) }
        routes[server.address] = socket
        return socket
    }

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
