import DequeModule
import EventLoop
import Protocol

/// Requests to shards and the coordinator over UDP: sent, repeated with the same id until answered, matched with their
/// answers.
///
/// One socket, one table of what is under way, one timer for all. Confined to its loop.
package final class DatagramTransport {
    package enum Destination: Hashable, Sendable {
        case shard(ShardID)
        case cdc
    }

    /// How a request ended; the body is valid during the call only.
    package enum Ending {
        case answered(kind: UInt8, body: UnsafeRawBufferPointer, attempts: Int)
        case failed(ClientError.Cause)
    }

    private struct Pending {
        let packet: [UInt8]
        let destination: Destination
        let timing: RetryTiming
        /// Of the first attempt.
        var startNanoseconds: UInt64 = 0
        var attempts = 0
        let ended: (Ending) -> Void
    }

    private struct Window {
        var underway = 0
        var waiting = Deque<UInt64>()
    }

    /// So many requests to one destination at a time: about what its socket's buffer holds, so that a burst is not lost
    /// and then repeated in a burst.
    private static let windowLimit = 128

    /// Counts since the start.
    package struct Counters: Sendable {
        package var requests: UInt64 = 0
        package var repetitions: UInt64 = 0
        package var timeouts: UInt64 = 0
        /// Late, doubled or foreign datagrams.
        package var ignored: UInt64 = 0
    }

    package private(set) var counters = Counters()
    package var addresses: ClusterAddresses?
    /// Called when a service has not answered twice, or has no address.
    package var onSilence: (() -> Void)?

    private let loop: EventLoop
    private let socket: UDPSocket
    private var nextID: UInt64
    private var pending: [UInt64: Pending] = [:]
    /// Requests under way by destination, and those that wait for their turn.
    private var windows: [Destination: Window] = [:]
    private let repetition: DeadlineTimer<UInt64>
    private var usesSecondAddress = false
    private var isClosed = false

    /// - Parameter firstID: random, so that answers to an earlier run of this client on the same port match nothing.
    package init(loop: EventLoop, binding address: SocketAddress, firstID: UInt64) throws(SystemError) {
        self.loop = loop
        nextID = firstID
        repetition = DeadlineTimer(loop: loop)
        socket = try UDPSocket(on: loop, binding: address)
        repetition.onDue = { [unowned self] id, now in
            // Most were answered long ago.
            if pending[id] != nil { attempt(id, now) }
        }
        socket.onDatagram = { [unowned self] datagram, _ in self.receive(datagram) }
    }

    /// Requests under way.
    package var pendingCount: Int { pending.count }

    /// A new request id; never 0, which servers take for "nobody waits".
    package func takeID() -> UInt64 {
        if nextID == 0 { nextID = 1 }
        defer { nextID &+= 1 }
        return nextID
    }

    /// Sends `packet`, which carries `id`, and calls `ended` once.
    package func send(
        id: UInt64, packet: [UInt8], to destination: Destination, timing: RetryTiming,
        ended: @escaping (Ending) -> Void
    ) {
        guard !isClosed else { return ended(.failed(.closed)) }
        pending[id] = Pending(packet: packet, destination: destination, timing: timing, ended: ended)
        counters.requests &+= 1
        guard windows[destination, default: Window()].underway < Self.windowLimit else {
            windows[destination]?.waiting.append(id)
            return
        }
        begin(id)
    }

    /// Fails everything under way.
    package func close() {
        guard !isClosed else { return }
        isClosed = true
        socket.close()
        repetition.cancel()
        let left = pending
        pending = [:]
        windows = [:]
        for request in left.values { request.ended(.failed(.closed)) }
    }

    // MARK: Sending

    private func begin(_ id: UInt64) {
        guard var request = pending[id] else { return }
        let now = loop.monotonicNanoseconds
        request.startNanoseconds = now
        pending[id] = request
        windows[request.destination, default: Window()].underway += 1
        attempt(id, now)
    }

    /// Takes a request off the table and lets the next one to the same destination begin.
    private func end(_ id: UInt64, _ request: Pending, _ ending: Ending) {
        pending[id] = nil
        windows[request.destination]?.underway -= 1
        if let next = windows[request.destination]?.waiting.popFirst() { begin(next) }
        request.ended(ending)
    }

    private func attempt(_ id: UInt64, _ now: UInt64) {
        guard var request = pending[id] else { return }
        let elapsed = now &- request.startNanoseconds
        guard let wait = request.timing.wait(elapsedNanoseconds: elapsed, jitter: .random(in: 0..<1)) else {
            return giveUp(id, request)
        }
        if let address = address(of: request.destination) {
            request.attempts += 1
            if request.attempts > 1 { counters.repetitions &+= 1 }
            let packet = request.packet
            socket.send(to: address) { room in
                room.copyBytes(from: packet)
                return packet.count
            }
            if request.attempts > 2 { onSilence?() }
        } else {
            onSilence?()
        }
        pending[id] = request
        repetition.schedule(id, dueNanoseconds: now &+ max(wait, 1_000_000))
    }

    private func giveUp(_ id: UInt64, _ request: Pending) {
        counters.timeouts &+= 1
        end(id, request, .failed(request.attempts == 0 ? .unavailable : .timeout))
    }

    private func address(of destination: Destination) -> SocketAddress? {
        guard let addresses else { return nil }
        let both =
            switch destination {
            case .shard(let shard): addresses.shards[Int(shard.rawValue)]
            case .cdc: addresses.cdc
            }
        guard both.addr1.port != 0 else { return nil }
        guard both.addr2.port != 0 else { return SocketAddress(both.addr1) }
        // The other network each time, so that a repetition takes another way.
        usesSecondAddress.toggle()
        return SocketAddress(usesSecondAddress ? both.addr2 : both.addr1)
    }

    // MARK: Receiving

    private func receive(_ datagram: UnsafeRawBufferPointer) {
        guard let answer = AnswerDatagram(datagram), let request = pending[answer.id],
            answer.isFromCDC == (request.destination == .cdc)
        else {
            counters.ignored &+= 1
            return
        }
        let wanted = request.packet[AnswerDatagram.kindOffset]
        guard answer.kind == wanted || answer.kind == 0 else {
            counters.ignored &+= 1
            return
        }
        end(answer.id, request, .answered(kind: answer.kind, body: answer.body, attempts: request.attempts))
    }
}
