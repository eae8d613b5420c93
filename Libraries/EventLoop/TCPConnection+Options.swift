import Glibc

/// Options of a connection that lasts. What the system refuses is left as it is.
extension TCPConnection {
    /// The kernel ends the connection when the peer has acknowledged nothing for about so long, whether something is sent
    /// or not. A peer that is alive and reads nothing is gone, too.
    public func noticeSilence(milliseconds: Int32) {
        let seconds = max(milliseconds / 1000 / Self.probes, 1)
        set(TCP_KEEPIDLE, seconds)
        set(TCP_KEEPINTVL, seconds)
        set(TCP_KEEPCNT, Self.probes)
        set(TCP_USER_TIMEOUT, milliseconds)
    }

    /// The kernel takes no more than about so much that it has not sent: what waits does so where it can still be
    /// overtaken.
    public func limitUnsentInKernel(bytes: Int32) {
        set(TCP_NOTSENT_LOWAT, bytes)
    }

    /// Questions whether the peer is there before it counts as gone.
    private static let probes: Int32 = 3

    private func set(_ option: Int32, _ value: Int32) {
        guard !isClosed else { return }
        var value = value
        setsockopt(descriptor, Int32(IPPROTO_TCP), option, &value, socklen_t(MemoryLayout<Int32>.size))
    }
}
