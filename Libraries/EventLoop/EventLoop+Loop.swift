/// A loop on libuv and the kernel.
extension EventLoop: Loop {
    public func randomNumber() -> UInt64 {
        .random(in: .min ... .max)
    }

    public func connect(
        to address: SocketAddress, _ completion: @escaping (Result<any StreamConnection, SystemError>) -> Void
    ) {
        TCPConnection.connect(to: address, on: self) { completion($0.map { $0 }) }
    }
}
