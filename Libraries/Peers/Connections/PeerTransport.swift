import Consensus
import EventLoop
import Glibc
import Logging
import Metrics
import Protocol

/// Connections between processes that hold replicas of the same groups. Each process dials every other one and sends over
/// the connection that it has made; it receives over those that the others have made.
///
/// Thread-safe: `send` and `setAddresses`. Everything else, and every callback, belongs to the loop; callbacks are set
/// before `listen`. `close()` it before the loop is closed.
///
/// `@unchecked Sendable`: outboxes are synchronised, counters as well; all other state is only touched on the loop.
public final class PeerTransport: @unchecked Sendable {
    public let identity: PeerIdentity
    /// A peer's frame: its kind and what belongs to it, for `PeerFrameReader`; valid until it returns. Frames of one
    /// connection come in their order; those that the peer has sent over an earlier one never come after it.
    public var onFrame: ((PeerIdentity, UnsafeRawBufferPointer) -> Void)?
    /// From now on frames can be sent to a peer.
    public var onConnected: ((PeerIdentity) -> Void)?
    /// Not any more; what waited is lost. It is dialled again.
    public var onLost: ((PeerIdentity) -> Void)?

    let loop: EventLoop
    let settings: PeerSettings
    let troubles: PeerTroubles
    let sent: Counter
    private let dropped: Counter
    private let unconnected: Counter
    /// By slot.
    private let outboxes: [PeerOutbox]
    private var links: [PeerLink] = []
    private var acceptor: PeerAcceptor?
    private var known = KnownIncarnations()
    private var isClosed = false

    /// - Parameter keys: those of the cluster, or the published one; not none.
    public init(
        on loop: EventLoop, _ identity: PeerIdentity, keys: KeyRing, settings: PeerSettings = PeerSettings(),
        counters: Counters, logger: Logger
    ) {
        precondition(!keys.peerKeys.isEmpty, "a process without any key has no peers")
        self.loop = loop
        self.identity = identity
        self.settings = settings
        troubles = PeerTroubles(counters: counters, logger: logger)
        sent = counters.counter("peers_frames_sent_total")
        dropped = counters.counter("peers_frames_dropped_total")
        unconnected = counters.counter("peers_frames_unconnected_total")
        let outboxes = ReplicaSlot.all.map { _ in PeerOutbox(settings) }
        self.outboxes = outboxes
        counters.gauge("peers_waiting_bytes") { UInt64(outboxes.reduce(0) { $0 + $1.waitingBytes }) }
        links = zip(ReplicaSlot.all, outboxes).map { slot, outbox in
            PeerLink(self, slot: slot, outbox: outbox, keys: keys.peerKeys)
        }
        acceptor = PeerAcceptor(self, keys: keys.peerKeys, counters: counters)
    }

    /// Begins to listen; returns the address that the kernel gave. For each address of the process once.
    public func listen(on address: SocketAddress) throws(SystemError) -> SocketAddress {
        guard let acceptor, !isClosed else { throw SystemError("listen on \(address)", code: ECANCELED) }
        return try acceptor.listen(on: address)
    }

    /// Ends everything. Nothing is called back any more.
    public func close() {
        guard !isClosed else { return }
        isClosed = true
        onFrame = nil
        onConnected = nil
        onLost = nil
        acceptor?.close()
        for link in links { link.close() }
    }

    /// Where the process in a slot listens: it may be at any of the addresses. None: it is not dialled. The own slot has
    /// none. Thread-safe; what is said last holds.
    public func setAddresses(_ addresses: [SocketAddress], of slot: ReplicaSlot) {
        loop.submit { [weak self] in
            guard let self, !isClosed, slot != identity.slot else { return }
            link(to: slot).setAddresses(addresses)
        }
    }

    /// Sends a frame to the process in a slot, soon and behind what it was sent before; urgent frames overtake others.
    /// It may still get lost, with the connection. Thread-safe.
    ///
    /// - Returns: false when it was dropped, as the peer is not connected, or too much waits for it.
    public func send(_ frame: EncodedFrame, to slot: ReplicaSlot) -> Bool {
        switch outboxes[Int(slot.rawValue)].add(frame) {
        case .taken(let isFirst):
            if isFirst { loop.submit { [weak self] in self?.link(to: slot).flush() } }
            return true
        case .full: dropped.add()
        case .notConnected: unconnected.add()
        }
        return false
    }

    private func link(to slot: ReplicaSlot) -> PeerLink { links[Int(slot.rawValue)] }
}

// MARK: - For the connections

extension PeerTransport {
    func isReplaced(_ peer: PeerIdentity) -> Bool { known.isReplaced(peer) }

    /// Whether what was found at an address is not the peer any more. Addresses may be old; whoever is connected is alive.
    func isRemnant(_ peer: PeerIdentity) -> Bool {
        known.isReplaced(peer) || acceptor?.hasOther(than: peer) ?? false
    }

    /// Somebody has proved, at either end, to be a peer. Who was in the slot before is gone.
    func hasProved(_ peer: PeerIdentity) {
        guard known.insert(peer) else { return }
        acceptor?.close(except: peer)
        link(to: peer.slot).isReplaced(by: peer)
    }

    /// A peer has connected, so it can be reached.
    func isHeardOf(_ peer: PeerIdentity) { link(to: peer.slot).isHeardOf() }
}
