import CLinux
import CUV
import Glibc

/// An IPv4 UDP socket that receives and sends in batches of up to 64 datagrams per system call.
///
/// Datagrams that do not fit the socket's send buffer wait (at most `maximumBacklog` of them) until the kernel has
/// room.
public final class UDPSocket {
    /// Counts since the socket was made.
    public struct Counters: Sendable {
        public var received: UInt64 = 0
        public var sent: UInt64 = 0
        /// Larger than any datagram of the protocol: refused unseen.
        public var truncated: UInt64 = 0
        /// Refused by the kernel or by a full backlog. UDP may lose; the sender above retries.
        public var unsent: UInt64 = 0
    }

    /// The largest datagram that can be sent or received, bytes.
    public static let maximumDatagramSize = 8972
    static let maximumBacklog = 4096

    public let localAddress: SocketAddress
    public private(set) var counters = Counters()
    /// Called for each datagram; the bytes are valid until it returns.
    public var onDatagram: ((UnsafeRawBufferPointer, SocketAddress) -> Void)?

    private let loop: EventLoop
    private let descriptor: Int32
    private let poll: LoopHandle<uv_poll_t>
    private var queued: [UInt16] = []
    private var backlog: [(bytes: [UInt8], to: SocketAddress)] = []
    private var isAwaitingRoom = false
    private var isClosed = false

    /// Binds to `address` (port 0: the kernel picks one) and begins to receive.
    public init(on loop: EventLoop, binding address: SocketAddress, bufferSize: Int = 4 << 20) throws(SystemError) {
        loop.assertOnLoop()
        self.loop = loop
        let made = linux_socket_udp()
        guard made >= 0 else { throw SystemError("create a UDP socket", code: made) }
        do {
            try Self.configure(made, bufferSize: bufferSize, address)
            localAddress = try .ofSocket(made)
            poll = try LoopHandle(initialize: { uv_poll_init(loop.raw, $0, made) })
        } catch {
            Glibc.close(made)
            throw error
        }
        descriptor = made
        poll.retain(self)
        startPolling()
    }

    /// Writes one datagram straight into the outgoing batch: `fill` gets room for 8972 bytes and returns how many it
    /// used; 0 sends nothing. It leaves at the end of this turn of the loop, together with the others.
    public func send(to address: SocketAddress, _ fill: (UnsafeMutableRawBufferPointer) -> Int) {
        loop.assertOnLoop()
        guard !isClosed else { return }
        let batch = loop.datagramBatch
        guard let slot = takeSlot(of: batch) else {
            counters.unsent &+= 1
            return
        }
        let header = batch.outgoing + Int(slot)
        let room = UnsafeMutableRawBufferPointer(start: header.pointee.data, count: Self.maximumDatagramSize)
        let length = fill(room)
        precondition(length >= 0 && length <= room.count, "a datagram larger than its room")
        guard length > 0 else {
            batch.giveBack(slot)
            return
        }
        header.pointee.length = UInt32(length)
        header.pointee.address = address.address.bigEndian
        header.pointee.port = address.port.bigEndian
        if queued.isEmpty { batch.flushLater(self, on: loop) }
        queued.append(slot)
    }

    /// Sends a copy of `bytes`, at most 8972 of them.
    public func send(_ bytes: [UInt8], to address: SocketAddress) {
        send(to: address) { room in
            room.copyBytes(from: bytes)
            return bytes.count
        }
    }

    /// Sends what is queued, stops receiving and frees the descriptor. Idempotent.
    public func close() {
        guard !isClosed else { return }
        flush()
        isClosed = true
        onDatagram = nil
        backlog.removeAll()
        poll.close()
        Glibc.close(descriptor)
    }

    private static func configure(
        _ descriptor: Int32, bufferSize: Int, _ address: SocketAddress
    ) throws(SystemError) {
        var size = Int32(clamping: bufferSize)
        for (forced, option) in [(SO_RCVBUFFORCE, SO_RCVBUF), (SO_SNDBUFFORCE, SO_SNDBUF)] {
            // Beyond net.core.rmem_max only for root; a smaller buffer still works, it only loses more in bursts.
            let length = socklen_t(MemoryLayout<Int32>.size)
            if setsockopt(descriptor, SOL_SOCKET, forced, &size, length) == 0 { continue }
            setsockopt(descriptor, SOL_SOCKET, option, &size, length)
        }
        guard address.withSockaddr({ bind(descriptor, $0, $1) }) == 0 else { throw .last("bind UDP \(address)") }
    }
}

// MARK: - Receiving

extension UDPSocket {
    private func startPolling() {
        let events = Int32(UV_READABLE.rawValue) | (isAwaitingRoom ? Int32(UV_WRITABLE.rawValue) : 0)
        uv_poll_start(poll.raw, events) { raw, status, events in
            guard let socket = loopHandleOwner(raw?.pointee.data, as: UDPSocket.self) else { return }
            socket.ready(status: status, events: events)
        }
    }

    private func ready(status: Int32, events: Int32) {
        if status < 0 {
            // libuv has stopped polling: an error is pending on the socket (ICMP port unreachable). Reading clears it.
            startPolling()
        }
        if events & Int32(UV_WRITABLE.rawValue) != 0 { sendBacklog() }
        receive()
    }

    private func receive() {
        // A few batches, then the other sockets of the loop get their turn.
        for _ in 0..<4 where !isClosed {
            let batch = loop.datagramBatch
            let count = linux_receive_datagrams(descriptor, batch.incoming, Int32(DatagramBatch.capacity))
            if count < 0 {
                // ECONNREFUSED and the like belong to an earlier datagram of ours and say nothing about this socket.
                if -count == EAGAIN { return }
                continue
            }
            for index in 0..<Int(count) where !isClosed { deliver(batch.incoming[index]) }
            if Int(count) < DatagramBatch.capacity { return }
        }
    }

    private func deliver(_ datagram: linux_datagram) {
        guard datagram.truncated == 0, datagram.length <= UInt32(Self.maximumDatagramSize) else {
            counters.truncated &+= 1
            return
        }
        counters.received &+= 1
        let sender = SocketAddress(
            address: UInt32(bigEndian: datagram.address), port: UInt16(bigEndian: datagram.port))
        onDatagram?(UnsafeRawBufferPointer(start: datagram.data, count: Int(datagram.length)), sender)
    }
}

// MARK: - Sending

extension UDPSocket {
    /// A slot of the loop's batch; when all are taken, everything that waits is sent first.
    private func takeSlot(of batch: DatagramBatch) -> UInt16? {
        if let slot = batch.takeSlot() { return slot }
        batch.turnEnded()
        return batch.takeSlot()
    }

    func flush() {
        guard !isClosed, !queued.isEmpty else { return }
        var slots: [UInt16] = []
        swap(&slots, &queued)
        let batch = loop.datagramBatch
        var done = backlog.isEmpty ? 0 : slots.count
        if done > 0 { keep(slots[...], of: batch) }
        while done < slots.count {
            let sent = slots.withUnsafeBufferPointer { all -> Int32 in
                guard let base = all.baseAddress else { return 0 }
                return linux_send_datagrams(descriptor, batch.outgoing, base + done, Int32(slots.count - done))
            }
            if sent > 0 {
                counters.sent &+= UInt64(sent)
                done += Int(sent)
            } else if -sent == EAGAIN || -sent == ENOBUFS {
                keep(slots[done...], of: batch)
                break
            } else {
                // An error of this datagram's destination, or a stale one of an earlier datagram: go on with the next.
                counters.unsent &+= 1
                done += 1
            }
        }
        for slot in slots { batch.giveBack(slot) }
        // Memory for the next batch.
        slots.removeAll(keepingCapacity: true)
        if queued.isEmpty { queued = slots }
    }

    /// Copies what the kernel has no room for, until the socket is writable again.
    private func keep(_ slots: ArraySlice<UInt16>, of batch: DatagramBatch) {
        for slot in slots {
            guard backlog.count < Self.maximumBacklog else {
                counters.unsent &+= 1
                continue
            }
            let header = batch.outgoing[Int(slot)]
            let bytes = UnsafeRawBufferPointer(start: header.data, count: Int(header.length))
            let address = SocketAddress(
                address: UInt32(bigEndian: header.address), port: UInt16(bigEndian: header.port))
            backlog.append((Array(bytes), address))
        }
        setAwaitingRoom(true)
    }

    private func sendBacklog() {
        var waiting: [(bytes: [UInt8], to: SocketAddress)] = []
        swap(&waiting, &backlog)
        setAwaitingRoom(false)
        for (index, datagram) in waiting.enumerated() {
            let sent = datagram.bytes.withUnsafeBytes { bytes in
                datagram.to.withSockaddr {
                    sendto(descriptor, bytes.baseAddress, bytes.count, Int32(MSG_NOSIGNAL), $0, $1)
                }
            }
            if sent >= 0 {
                counters.sent &+= 1
            } else if errno == EAGAIN || errno == ENOBUFS {
                backlog = Array(waiting[index...]) + backlog
                setAwaitingRoom(true)
                return
            } else {
                counters.unsent &+= 1
            }
        }
    }

    private func setAwaitingRoom(_ awaiting: Bool) {
        guard awaiting != isAwaitingRoom, !isClosed else { return }
        isAwaitingRoom = awaiting
        startPolling()
    }
}
