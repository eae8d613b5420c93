import DequeModule
import EventLoop
import Mutations
import Protocol

/// Requests to shards and the coordinator over UDP: sent, repeated with the same id until answered, matched with their
/// answers.
///
/// One table of what is under way, one timer for all. Confined to its loop.
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
        /// Whether it ends with the largest datagram that it may be answered with.
        let endsWithSize: Bool
        /// Of the first attempt.
        var startNanoseconds: UInt64 = 0
        var attempts = 0
        /// Where it was sent to, each address once.
        var recipients: [Recipient] = []
        let ended: (Ending) -> Void
    }

    private struct Recipient {
        let address: SocketAddress
        var askedForMore = false
        var askedForLess = false
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
        /// Late, doubled or senseless datagrams.
        package var ignored: UInt64 = 0
        /// Answers that came from where the request had not been sent to.
        package var foreign: UInt64 = 0
        /// Not sent, because the kernel knows no way to the server.
        package var unroutable: UInt64 = 0
    }

    package private(set) var counters = Counters()
    package var addresses: ClusterAddresses? {
        didSet { forgetWays(since: oldValue) }
    }
    /// Called when a service has not answered twice, or has no address.
    package var onSilence: (() -> Void)?

    private let loop: any Loop
    private let port: any DatagramPort
    private var nextID: UInt64
    private var pending: [UInt64: Pending] = [:]
    /// Requests under way by destination, and those that wait for their turn.
    private var windows: [Destination: Window] = [:]
    private let repetition: DeadlineTimer<UInt64>
    private let largestDatagram: UInt16
    private var sizes = DatagramSizes()
    private var ways = ServiceWays<Destination>()
    private var isClosed = false

    /// - Parameters:
    ///   - largestDatagram: the most that an answer in pages may be asked to fill, whatever the request says.
    ///   - port: from which requests leave; nobody else's from now on.
    ///   - firstID: random, so that answers to an earlier run of this client on the same port match nothing.
    package init(loop: any Loop, port: any DatagramPort, largestDatagram: UInt16, firstID: UInt64) {
        self.loop = loop
        self.largestDatagram = max(largestDatagram, DatagramSizes.whole)
        self.port = port
        nextID = firstID
        repetition = DeadlineTimer(loop: loop)
        repetition.onDue = { [unowned self] id, now in
            // Most were answered long ago.
            if pending[id] != nil { attempt(id, now) }
        }
        port.onDatagram = { [unowned self] datagram, sender in receive(datagram, sender) }
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
    /// - Parameter endsWithSize: whether its last field is the largest datagram that it may be answered with.
    package func send(
        id: UInt64, packet: [UInt8], to destination: Destination, timing: RetryTiming, endsWithSize: Bool,
        ended: @escaping (Ending) -> Void
    ) {
        guard !isClosed else { return ended(.failed(.closed)) }
        pending[id] = Pending(
            packet: packet, destination: destination, timing: timing, endsWithSize: endsWithSize, ended: ended)
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
        port.close()
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
        guard let wait = request.timing.wait(elapsedNanoseconds: elapsed, jitter: loop.randomFraction()) else {
            return giveUp(id, request)
        }
        let recipients = addresses(of: request.destination).map { both in
            ways.addresses(of: request.destination, at: both)
        }
        if let recipients, !recipients.isEmpty {
            if request.attempts > 0 { counters.repetitions &+= 1 }
            if request.attempts > 1 {
                for address in recipients { port.forgetRoute(to: address) }
                onSilence?()
            }
            transmit(&request, to: recipients, now)
        } else {
            onSilence?()
        }
        pending[id] = request
        repetition.schedule(id, dueNanoseconds: now &+ max(wait, 1_000_000))
    }

    /// Sends it the first way, and a repetition both ways. Without any way to the server now it does not count: the next
    /// attempt looks for one again.
    private func transmit(_ request: inout Pending, to addresses: [SocketAddress], _ now: UInt64) {
        let isRepetition = request.attempts > 0 && !Mutation.repetitionsTakeOneWay.isPlanted
        request.attempts += 1
        var isSent = false
        for address in addresses where !isSent || isRepetition {
            let packet = packet(of: &request, at: place(of: address, in: &request), now)
            do throws(SystemError) {
                try port.send(packet, to: address)
                isSent = true
            } catch {
                counters.unroutable &+= 1
            }
        }
        if !isSent { request.attempts -= 1 }
    }

    /// Where the request remembers what it told this recipient.
    private func place(of address: SocketAddress, in request: inout Pending) -> Int {
        if let known = request.recipients.firstIndex(where: { $0.address == address }) { return known }
        request.recipients.append(Recipient(address: address))
        return request.recipients.count - 1
    }

    /// The packet with the size of datagrams that the recipient's network takes.
    private func packet(of request: inout Pending, at recipient: Int, _ now: UInt64) -> [UInt8] {
        var packet = request.packet
        guard request.endsWithSize, packet.count > 2 else { return packet }
        let (low, high) = (packet.count - 2, packet.count - 1)
        let asked = UInt16(packet[high]) << 8 | UInt16(packet[low])
        guard asked > DatagramSizes.whole else { return packet }
        var size = DatagramSizes.whole
        if largestDatagram > DatagramSizes.whole {
            let host = request.recipients[recipient].address.address
            if sizes.isNarrow(host, attempt: request.attempts - 1, now: now) {
                request.recipients[recipient].askedForLess = true
            } else {
                request.recipients[recipient].askedForMore = true
                size = min(asked, largestDatagram)
            }
        }
        packet[low] = UInt8(truncatingIfNeeded: size)
        packet[high] = UInt8(truncatingIfNeeded: size >> 8)
        return packet
    }

    private func giveUp(_ id: UInt64, _ request: Pending) {
        counters.timeouts &+= 1
        end(id, request, .failed(request.attempts == 0 ? .unavailable : .timeout))
    }

    private func addresses(of destination: Destination) -> AddrsInfo? {
        addresses.map { Self.addresses($0, destination) }
    }

    private static func addresses(_ cluster: ClusterAddresses, _ destination: Destination) -> AddrsInfo {
        switch destination {
        case .shard(let shard): cluster.shards[Int(shard.rawValue)]
        case .cdc: cluster.cdc
        }
    }

    private func forgetWays(since former: ClusterAddresses?) {
        guard let former, let addresses else { return }
        for destination in ShardID.all.map(Destination.shard) + [.cdc]
        where Self.addresses(former, destination) != Self.addresses(addresses, destination) {
            ways.moved(destination)
        }
    }

    // MARK: Receiving

    /// The request that an answer is for.
    private func awaiting(_ answer: AnswerDatagram) -> UInt64? {
        guard Mutation.answersMatchByKind.isPlanted else { return answer.id }
        let alike = pending.filter { $0.value.packet[AnswerDatagram.kindOffset] == answer.kind }
        return pending[answer.id] == nil ? alike.keys.min() : answer.id
    }

    private func receive(_ datagram: UnsafeRawBufferPointer, _ sender: SocketAddress) {
        guard let answer = AnswerDatagram(datagram), let id = awaiting(answer), let request = pending[id],
            answer.isFromCDC == (request.destination == .cdc)
        else {
            counters.ignored &+= 1
            return
        }
        guard let recipient = request.recipients.first(where: { $0.address == sender }) else {
            counters.foreign &+= 1
            return
        }
        if let both = addresses(of: request.destination) { ways.answered(request.destination, at: both, from: sender) }
        let wanted = request.packet[AnswerDatagram.kindOffset]
        guard answer.kind == wanted || answer.kind == 0 else {
            counters.ignored &+= 1
            return
        }
        if request.endsWithSize {
            sizes.answered(
                sender.address, bytes: datagram.count, askedForMore: recipient.askedForMore,
                askedForLess: recipient.askedForLess, now: loop.monotonicNanoseconds)
        }
        end(id, request, .answered(kind: answer.kind, body: answer.body, attempts: request.attempts))
    }
}
