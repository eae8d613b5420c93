import CLinux

/// The memory of one loop for datagrams under way: a batch being received and a batch waiting to be sent, shared by all
/// its sockets (a shard host has 256). Pages that no datagram reached are never touched.
final class DatagramBatch: TurnEnding {
    static let capacity = Int(LINUX_DATAGRAM_BATCH)
    /// Room for the largest datagram of the protocol, 8972 bytes.
    static let slotSize = 9216

    private let memory = RawMemory(byteCount: 2 * capacity * slotSize)
    private let headers: UnsafeMutablePointer<linux_datagram>
    /// Slots of the outgoing half that nobody uses.
    private var freeSlots: [UInt16]
    /// Sockets with something to send.
    private var waiting: [UDPSocket] = []

    init() {
        headers = .allocate(capacity: 2 * Self.capacity)
        freeSlots = (0..<UInt16(Self.capacity)).reversed()
        guard let base = memory.bytes.baseAddress else { preconditionFailure("allocated memory has an address") }
        for index in 0..<(2 * Self.capacity) {
            headers[index] = linux_datagram(
                data: base + index * Self.slotSize, capacity: UInt32(Self.slotSize), length: 0, address: 0, port: 0,
                truncated: 0)
        }
    }

    deinit {
        headers.deallocate()
    }

    var incoming: UnsafeMutablePointer<linux_datagram> { headers }
    var outgoing: UnsafeMutablePointer<linux_datagram> { headers + Self.capacity }

    /// A free outgoing slot, or nil when all 64 wait to be sent.
    func takeSlot() -> UInt16? {
        freeSlots.popLast()
    }

    func giveBack(_ slot: UInt16) {
        freeSlots.append(slot)
    }

    /// `socket` will flush at the end of the turn, or before when the slots run out.
    func flushLater(_ socket: UDPSocket, on loop: EventLoop) {
        if waiting.isEmpty { loop.atTurnEnd(self) }
        waiting.append(socket)
    }

    func turnEnded() {
        var sockets: [UDPSocket] = []
        swap(&sockets, &waiting)
        for socket in sockets { socket.flush() }
    }
}
