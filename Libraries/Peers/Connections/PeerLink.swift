import Consensus
import EventLoop
import Protocol

/// The connection to the process in one slot: dialled, made anew when it ends, and only for sending. Confined to its loop.
final class PeerLink {
    let slot: ReplicaSlot
    let outbox: PeerOutbox
    unowned let transport: PeerTransport
    let keys: [PeerKey]

    /// Where the process may be, and which of it is tried next.
    private var addresses: [SocketAddress] = []
    var addressTries = 0
    /// Which of the keys is tried next.
    var keyTries = 0
    private var backoff: DialBackoff
    /// Ends a wait, or a handshake that takes too long.
    var timer: LoopTimer?
    private var isDialling = false
    /// Connections that are still being made for an earlier attempt are not wanted any more.
    private var attempt: UInt64 = 0

    var connection: TCPConnection?
    var handshake: DiallingHandshake?
    /// The beginning of a message of the handshake.
    var received: [UInt8] = []
    /// Once both ends have proved who they are.
    var established: (peer: PeerIdentity, seal: FrameSeal, since: UInt64)?

    init(_ transport: PeerTransport, slot: ReplicaSlot, outbox: PeerOutbox, keys: [PeerKey]) {
        self.transport = transport
        self.slot = slot
        self.outbox = outbox
        self.keys = keys
        backoff = DialBackoff(transport.settings.backoffNanoseconds)
    }

    var loop: EventLoop { transport.loop }
    var settings: PeerSettings { transport.settings }

    // MARK: Where to

    /// The process is, from now on, at one of these addresses; nowhere if there is none.
    func setAddresses(_ addresses: [SocketAddress]) {
        guard addresses != self.addresses else { return }
        self.addresses = addresses
        addressTries = 0
        if let connection, addresses.contains(connection.peer) { return }
        end()
        dial()
    }

    /// The process lives: it need not be waited for.
    func isHeardOf() {
        guard connection == nil, !isDialling else { return }
        dial()
    }

    /// Another life of the process's disk has been seen: whoever is connected is not it any more.
    func isReplaced(by peer: PeerIdentity) {
        guard let established, established.peer != peer else { return }
        end()
        dial()
    }

    func close() { setAddresses([]) }

    // MARK: Dialling

    private func dial() {
        timer?.cancel()
        timer = nil
        guard !addresses.isEmpty else { return }
        attempt += 1
        isDialling = true
        let current = attempt
        let address = addresses[addressTries % addresses.count]
        TCPConnection.connect(to: address, on: loop, timeoutNanoseconds: settings.connectNanoseconds) {
            [weak self] result in
            guard let self, attempt == current else {
                if case .success(let connection) = result { connection.close() }
                return
            }
            isDialling = false
            made(result)
        }
    }

    private func made(_ result: Result<TCPConnection, SystemError>) {
        switch result {
        case .success(let connection): begin(connection)
        case .failure(let error):
            transport.troubles.add(error, .slot(slot))
            addressTries += 1
            dialLater()
        }
    }

    private func dialLater() {
        timer?.cancel()
        timer = loop.timer(afterNanoseconds: backoff.delay()) { [weak self] in self?.dial() }
    }

    /// Ends what there is; nothing is begun.
    private func end() {
        timer?.cancel()
        timer = nil
        attempt += 1
        isDialling = false
        handshake = nil
        received = []
        let (former, ended) = (connection, established)
        connection = nil
        established = nil
        // First, as it reports what was not sent.
        former?.close()
        outbox.close()
        guard let ended else { return }
        keyTries = 0
        backoff.hasLasted(loop.monotonicNanoseconds - ended.since)
        transport.onLost?(ended.peer)
    }

    func endAndDialLater() {
        end()
        if !addresses.isEmpty, connection == nil, !isDialling { dialLater() }
    }
}
