import Protocol

/// How much of a response still fits into the datagram a client can take (metadata.md B.3).
struct PageBudget {
    private(set) var remaining: Int

    /// The datagram size when the client asks for none, and the least that is honoured: below it a page might stay
    /// empty.
    static let minimumDatagram = 1472
    /// The largest datagram a shard sends.
    static let maximumDatagram = 8972
    /// Protocol word, request id, kind, and slack for the index and signature of signed frames.
    private static let overhead = 37

    /// - Parameter fixedSize: the size of the response's body with empty lists.
    init(mtu: UInt16, fixedSize: Int) {
        let datagram = min(max(Int(mtu), Self.minimumDatagram), Self.maximumDatagram)
        remaining = datagram - Self.overhead - fixedSize
    }

    /// The budget of one answer that has to be given whatever its size.
    static func largest(fixedSize: Int) -> PageBudget {
        PageBudget(mtu: UInt16(maximumDatagram), fixedSize: fixedSize)
    }

    /// Takes `size` bytes if they fit.
    mutating func take(_ size: Int) -> Bool {
        guard size <= remaining else { return false }
        remaining -= size
        return true
    }

    mutating func giveBack(_ size: Int) {
        remaining += size
    }

    func fits(_ size: Int) -> Bool { size <= remaining }
}
