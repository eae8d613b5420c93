import Glibc

/// Options of TCP connections. They only make things faster: what the system refuses is left as it is.
///
/// Between programs of one machine nothing is lost or congested, and a congestion control that paces what is sent with
/// timers (BBR, where the system has it for its networks) only costs: a quarter of the processor time of reading
/// through a mount. It has to be replaced before a connection is made: a socket that it has once been at work on stays
/// paced with any other.
public enum TCPTuning {
    /// For a socket that is about to connect.
    public static func beforeConnecting(_ descriptor: Int32, to peer: SocketAddress) {
        sendAtOnce(descriptor)
        guard let system = CongestionControl(of: descriptor), system.isPaced else { return }
        if isLoopback(peer) || isOwnAddress(peer) { CongestionControl.unpaced.use(on: descriptor) }
    }

    /// For a socket that is about to listen: its connections are unpaced until `afterAccepting`.
    /// - Returns: what it had for the system's networks; nil if that stays.
    package static func beforeListening(_ descriptor: Int32) -> CongestionControl? {
        guard let system = CongestionControl(of: descriptor), system.isPaced else { return nil }
        CongestionControl.unpaced.use(on: descriptor)
        return system
    }

    /// For an accepted socket.
    /// - Parameter system: what connections to other machines are to use, from `beforeListening`.
    package static func afterAccepting(_ descriptor: Int32, from peer: SocketAddress, system: CongestionControl?) {
        sendAtOnce(descriptor)
        // A route may have one of its own.
        guard let system, !isLoopback(peer), CongestionControl(of: descriptor) == .unpaced else { return }
        if let own = try? SocketAddress.ofSocket(descriptor), own.address == peer.address { return }
        system.use(on: descriptor)
    }

    private static func sendAtOnce(_ descriptor: Int32) {
        var yes: Int32 = 1
        setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &yes, socklen_t(MemoryLayout<Int32>.size))
    }

    private static func isLoopback(_ address: SocketAddress) -> Bool { address.address >> 24 == 127 }

    /// Whether what is sent there comes from there. Nothing is sent for finding out.
    private static func isOwnAddress(_ peer: SocketAddress) -> Bool {
        let probe = socket(AF_INET, Int32(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        guard probe >= 0 else { return false }
        defer { close(probe) }
        guard peer.withSockaddr({ connect(probe, $0, $1) }) == 0, let own = try? SocketAddress.ofSocket(probe) else {
            return false
        }
        return own.address == peer.address
    }
}

/// A congestion control of the kernel, by its name.
package struct CongestionControl: Hashable {
    /// Every kernel has it.
    package static let unpaced = CongestionControl("reno")

    private let name: [UInt8]

    package init(_ name: String) { self.name = Array(name.utf8) }

    /// The one of a socket; nil when the system does not say.
    package init?(of descriptor: Int32) {
        var bytes = [UInt8](repeating: 0, count: 16)
        var size = socklen_t(bytes.count)
        guard getsockopt(descriptor, Int32(IPPROTO_TCP), TCP_CONGESTION, &bytes, &size) == 0 else { return nil }
        name = Array(bytes.prefix { $0 != 0 })
    }

    /// Whether it sends by timers.
    package var isPaced: Bool { name.starts(with: "bbr".utf8) }

    package func use(on descriptor: Int32) {
        setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_CONGESTION, name, socklen_t(name.count))
    }
}
