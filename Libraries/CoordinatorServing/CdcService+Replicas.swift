import Consensus
import CoordinatorCore
import EventLoop
import Protocol
import Replicas

// What a coordinator does that has replicas in other processes. Where it does not lead it passes on what clients send
// it, once, and the answers back (design R10).
extension CdcService {
    /// Datagrams that followers have passed on and that the loop has not taken up yet: more are dropped, as by a socket.
    private static let relaysWaiting = 1024

    func startReplicating() {
        keeper.onFlush = { [unowned self] flushed in flusher.makeDurable(flushed) }
        pipeline.log.onFollowing = { [unowned self] in
            registry.note(.isLedElsewhere)
            receiveHeld()
        }
        guard let exchange = peers?.exchange else { return }
        let service = LoopBound(self, on: loop)
        let gate = RelayGate(limit: Self.relaysWaiting)
        exchange.onRelayedRequest = { request, relay in gate.pass(service) { $0.receive(request, from: relay) } }
        exchange.onRelayedAnswer = { answer in service.submit { $0.receive(answer) } }
    }

    /// Begins the coordinator only if there was none. Without any other process there is nobody to join.
    func ifFirst(_ begin: @escaping () -> Void) {
        guard peers != nil, !storage.unborn.isEmpty else { return begin() }
        registry.isServed { [unowned self] isServed in
            guard isServed else { return begin() }
            daemon.fail(NotTheFirst("the coordinator"))
        }
    }

    /// From a client, or from the replica that it came to.
    func receive(_ datagram: UnsafeRawBufferPointer, from sender: SocketAddress, _ way: ClientWay) {
        switch pipeline.log.route(isPassedOn: way.relay != nil) {
        case .here: handle(datagram, from: sender, way)
        case _ where Self.isForReplica(datagram): handle(datagram, from: sender, way)
        case .passedOn(let leader):
            metrics.relays.add()
            peers?.exchange.relay(
                RelayedRequest(of: sender, socket: way.socket, in: pipeline.log.id, datagram), to: leader)
        case .nowhere: held.hold(datagram, Held(sender: sender, way: way), at: loop.bootInstant)
        }
    }

    /// Who has sent what waits until it is known who leads.
    struct Held {
        let sender: SocketAddress
        let way: ClientWay
    }

    /// It is known who leads: what has waited for that goes on.
    func receiveHeld() {
        for (datagram, held) in held.take(at: loop.bootInstant) {
            datagram.withUnsafeBytes { receive($0, from: held.sender, held.way) }
        }
    }

    /// Whether a datagram asks for what the replica itself knows.
    private static func isForReplica(_ datagram: UnsafeRawBufferPointer) -> Bool {
        guard let packet = try? PlainPacket(datagram, expecting: .cdcRequest) else { return false }
        return packet.kind == CdcKind.cdcReplicaStatus.rawValue
    }

    private func receive(_ request: RelayedRequest, from relay: ReplicaSlot) {
        request.datagram.withUnsafeBytes {
            receive($0, from: request.client, ClientWay(socket: request.socket, relay: relay))
        }
    }

    /// The answer to what was passed on, for the client, which waits for it from the address that it asked.
    private func receive(_ answer: RelayedAnswer) {
        guard clientSockets.indices.contains(Int(answer.socket)),
            answer.datagram.count <= UDPSocket.maximumDatagramSize
        else { return metrics.clientDatagramsRefused.add() }
        clientSockets[Int(answer.socket)].send(answer.datagram, to: answer.client)
    }

    /// The answer to what a follower has passed on.
    func sendBack(_ reply: ClientReply, through socket: UInt16, of relay: ReplicaSlot) {
        let datagram = [UInt8](unsafeUninitializedCapacity: UDPSocket.maximumDatagramSize) { buffer, count in
            count = write(reply, into: UnsafeMutableRawBufferPointer(buffer))
        }
        guard !datagram.isEmpty else { return }
        peers?.exchange.relay(
            RelayedAnswer(to: reply.origin.address, socket: socket, in: pipeline.log.id, datagram), to: relay)
    }
}
