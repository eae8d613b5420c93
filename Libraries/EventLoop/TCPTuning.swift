import Glibc

/// Options of TCP connections. They only make things faster: what the system refuses is left as it is.
public enum TCPTuning {
    /// For a socket that is connected or has begun to connect: what is sent leaves at once.
    ///
    /// Between programs of one machine nothing is lost or congested, and a congestion control that paces what is sent
    /// with timers (BBR, where the system has it for its networks) only costs: a quarter of the processor time of
    /// reading through a mount.
    public static func apply(to descriptor: Int32, peer: SocketAddress) {
        var yes: Int32 = 1
        setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &yes, socklen_t(MemoryLayout<Int32>.size))
        guard isOnThisMachine(peer, seenFrom: descriptor) else { return }
        // Every kernel has it, and everyone may choose it.
        "reno".withCString { name in
            _ = setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_CONGESTION, name, socklen_t(strlen(name)))
        }
    }

    private static func isOnThisMachine(_ peer: SocketAddress, seenFrom descriptor: Int32) -> Bool {
        if peer.address >> 24 == 127 { return true }
        guard let own = try? SocketAddress.ofSocket(descriptor) else { return false }
        return own.address == peer.address
    }
}
