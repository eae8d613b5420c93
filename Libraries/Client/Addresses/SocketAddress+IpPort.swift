import EventLoop
import Protocol

extension SocketAddress {
    /// As the registry names it.
    package init(_ address: IpPort) { self.init(address: address.addrs.rawValue, port: address.port) }
}
