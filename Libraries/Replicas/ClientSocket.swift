import EventLoop

/// The seam to a socket that clients send to. Confined to its loop.
package protocol ClientSocket: AnyObject {
    var localAddress: SocketAddress { get }
    /// Called for each datagram; the bytes are valid until it returns.
    var onDatagram: ((UnsafeRawBufferPointer, SocketAddress) -> Void)? { get set }
    /// Sends what `fill` writes; 0 bytes are nothing to send.
    func send(to address: SocketAddress, _ fill: (UnsafeMutableRawBufferPointer) -> Int)
    func close()
}

extension UDPSocket: ClientSocket {}
