import EventLoop
import Protocol

extension AddrsInfo {
    /// Where a service listens, for the registry: one or two addresses.
    package init(_ addresses: [SocketAddress]) {
        let ports = addresses.map { IpPort(addrs: IPv4Address(rawValue: $0.address), port: $0.port) }
        let none = IpPort(addrs: .any, port: 0)
        self.init(addr1: ports.first ?? none, addr2: ports.dropFirst().first ?? none)
    }
}
