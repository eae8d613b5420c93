import Consensus
import EventLoop
import Metrics
import Protocol
import ReplicatedLog

/// What clients send to one replica of a group, and what they are answered. Where the replica does not lead it passes
/// on what comes, once, and the answers back (design R10): so clients that know of one address, or of an old one, are
/// served. Everything in a datagram is for the leader to judge. Confined to the loop of its group.
package final class ClientRelay {
    package struct Counters {
        package let passedOn: Counter
        /// What cannot be what it says.
        package let refused: Counter

        package init(passedOn: Counter, refused: Counter) {
            self.passedOn = passedOn
            self.refused = refused
        }
    }

    /// Works on a datagram for which this is the right replica. Set before anything comes.
    package var onDatagram: ((UnsafeRawBufferPointer, ClientWay) -> Void)?
    /// In the order of their numbers.
    package private(set) var sockets: [any ClientSocket] = []

    private let replica: Replica
    private let exchange: PeerExchange?
    private let isForReplica: (UnsafeRawBufferPointer) -> Bool
    private let counters: Counters
    private let now: () -> BootInstant
    private var held = HeldDatagrams()

    /// - Parameters:
    ///   - exchange: to where the other replicas are; nil: there are none.
    ///   - isForReplica: whether a datagram asks for what a replica itself knows, leading or not.
    ///   - now: the clock by which datagrams wait.
    package init(
        to replica: Replica, over exchange: PeerExchange?, _ counters: Counters, now: @escaping () -> BootInstant,
        isForReplica: @escaping (UnsafeRawBufferPointer) -> Bool
    ) {
        self.replica = replica
        self.exchange = exchange
        self.counters = counters
        self.now = now
        self.isForReplica = isForReplica
    }

    // MARK: Sockets

    /// Takes what comes through a socket.
    package func add(_ socket: some ClientSocket) {
        let number = UInt16(sockets.count)
        socket.onDatagram = { [unowned self] datagram, client in
            receive(datagram, ClientWay(of: client, socket: number))
        }
        sockets.append(socket)
    }

    /// Sends what waits to be sent and closes the sockets.
    package func close() {
        for socket in sockets { socket.close() }
    }

    // MARK: Requests

    private func receive(_ datagram: UnsafeRawBufferPointer, _ way: ClientWay, since arrival: BootInstant? = nil) {
        switch replica.route(isPassedOn: way.relay != nil) {
        case .here: onDatagram?(datagram, way)
        case _ where isForReplica(datagram): onDatagram?(datagram, way)
        case .passedOn(let leader): pass(datagram, way, to: leader)
        case .nowhere: held.hold(datagram, way, since: arrival ?? now())
        }
    }

    private func pass(_ datagram: UnsafeRawBufferPointer, _ way: ClientWay, to leader: ReplicaSlot) {
        counters.passedOn.add()
        exchange?.relay(RelayedRequest(of: way, in: replica.id, datagram), to: leader)
    }

    /// It is known who leads: what has waited for that goes on.
    package func receiveHeld() {
        for datagram in held.take(at: now()) {
            datagram.bytes.withUnsafeBytes { receive($0, datagram.way, since: datagram.arrival) }
        }
    }

    /// From the replica that it came to.
    package func receive(_ request: RelayedRequest, from relay: ReplicaSlot) {
        request.datagram.withUnsafeBytes { receive($0, request.way(through: relay)) }
    }

    // MARK: Answers

    /// Sends what `fill` writes, the way that a request came.
    package func answer(_ way: ClientWay, _ fill: (UnsafeMutableRawBufferPointer) -> Int) {
        if let relay = way.relay { return sendBack(way, through: relay, fill) }
        // Another replica, which has led before, may have more sockets than this one.
        guard sockets.indices.contains(Int(way.socket)) else { return }
        sockets[Int(way.socket)].send(to: way.client, fill)
    }

    private func sendBack(
        _ way: ClientWay, through relay: ReplicaSlot, _ fill: (UnsafeMutableRawBufferPointer) -> Int
    ) {
        let room = UDPSocket.maximumDatagramSize
        let datagram = [UInt8](unsafeUninitializedCapacity: room) { buffer, count in
            count = fill(UnsafeMutableRawBufferPointer(buffer))
        }
        guard !datagram.isEmpty else { return }
        exchange?.relay(RelayedAnswer(to: way, in: replica.id, datagram), to: relay)
    }

    /// The answer to what was passed on, for the client, which waits for it from the address that it asked.
    package func receive(_ answer: RelayedAnswer) {
        guard sockets.indices.contains(Int(answer.socket)), answer.datagram.count <= UDPSocket.maximumDatagramSize
        else { return counters.refused.add() }
        sockets[Int(answer.socket)].send(to: answer.client) { room in
            room.copyBytes(from: answer.datagram)
            return answer.datagram.count
        }
    }
}
