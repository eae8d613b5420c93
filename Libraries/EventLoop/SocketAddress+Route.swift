import CLinux
import Glibc

extension SocketAddress {
    /// The address of this machine, without a port, from which the kernel would send to this one. Sends nothing.
    public func localSide() throws(SystemError) -> SocketAddress {
        let probe = linux_socket_udp()
        guard probe >= 0 else { throw SystemError("create a UDP socket", code: probe) }
        defer { close(probe) }
        guard withSockaddr({ connect(probe, $0, $1) }) == 0 else { throw .last("find a way to \(self)") }
        return SocketAddress(address: try SocketAddress.ofSocket(probe).address, port: 0)
    }
}
