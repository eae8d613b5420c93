import EventLoop

/// Where a client's requests to shards and the coordinator leave, and their answers arrive: sockets, or a simulated
/// network. Confined to the client's loop.
package protocol DatagramPort: AnyObject {
    /// Called for each datagram that arrives, with where it came from. The bytes are valid until it returns.
    var onDatagram: ((UnsafeRawBufferPointer, SocketAddress) -> Void)? { get set }

    /// - Throws: there is no way to the server now.
    func send(_ packet: [UInt8], to server: SocketAddress) throws(SystemError)

    /// The server does not answer: perhaps the way to it is another one by now.
    func forgetRoute(to server: SocketAddress)

    func close()
}
