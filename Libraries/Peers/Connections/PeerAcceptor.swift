import Consensus
import EventLoop
import Metrics
import Protocol

/// The connections that others have made to this process, of which each peer has one. Confined to its loop.
final class PeerAcceptor {
    let loop: EventLoop
    let own: PeerIdentity
    let settings: PeerSettings
    let troubles: PeerTroubles
    private let keys: [PeerKey]
    private unowned let transport: PeerTransport
    private let received: Counter
    private let connections: AcceptedConnections<IncomingPeer>
    private var listeners: [TCPListener] = []
    private var peers: [ReplicaSlot: IncomingPeer] = [:]
    private(set) var isClosing = false

    init(_ transport: PeerTransport, keys: [PeerKey], counters: Counters) {
        self.transport = transport
        self.keys = keys
        loop = transport.loop
        own = transport.identity
        settings = transport.settings
        troubles = transport.troubles
        received = counters.counter("peers_frames_received_total")
        connections = AcceptedConnections(
            on: loop, settings.limits, sweepNanoseconds: max(settings.handshakeNanoseconds / 4, 1_000_000))
        let gaveWay = counters.counter("peers_connections_given_way_total")
        connections.onShortage = { gaveWay.add() }
    }

    func listen(on address: SocketAddress) throws(SystemError) -> SocketAddress {
        let listener = try TCPListener(on: loop, binding: address, admission: connections) {
            [unowned self] connection in
            let peer = IncomingPeer(connection, self, AcceptingHandshake(own: own, keys: keys))
            connections.insert(peer)
            peer.start()
        }
        listeners.append(listener)
        return listener.localAddress
    }

    func close() {
        isClosing = true
        for listener in listeners { listener.close() }
        for connection in connections.all { connection.close() }
    }

    /// Ends the connection of whoever is in a slot.
    func close(_ slot: ReplicaSlot?) {
        if let slot { peers[slot]?.close() }
    }

    /// Ends the connection of whoever was in a peer's slot before.
    func close(except peer: PeerIdentity) {
        if let former = peers[peer.slot], former.identity != peer { former.close() }
    }

    /// Whether another life of a peer's disk is connected.
    func hasOther(than peer: PeerIdentity) -> Bool {
        peers[peer.slot].map { $0.identity != peer } ?? false
    }

    // MARK: For the connections

    func isReplaced(_ peer: PeerIdentity) -> Bool { transport.isReplaced(peer) }

    /// A connection's peer has proved who it is: this connection takes the place of the one that it had. It cannot have
    /// meant both, so the other one is a remnant.
    func hasProved(_ connection: IncomingPeer, _ peer: PeerIdentity) {
        close(peer.slot)
        peers[peer.slot] = connection
        transport.hasProved(peer)
        transport.isHeardOf(peer)
        troubles.forget(connection.who)
    }

    func receive(_ bytes: UnsafeRawBufferPointer, from peer: PeerIdentity) {
        received.add()
        transport.onFrame?(peer, bytes)
    }

    func isClosed(_ connection: IncomingPeer) {
        connections.remove(connection)
        if let slot = connection.identity?.slot, peers[slot] === connection { peers[slot] = nil }
    }
}
