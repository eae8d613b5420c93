import Daemon
import EventLoop
import Glibc
import Logging
import Metrics
import Protocol

/// Listeners, connections, and the disks they may ask for. Belongs to the loop.
final class BlockServer {
    let loop: EventLoop
    let logger: Logger
    let settings: BlockSettings
    let rules: RequestRules
    let chunks = ChunkPool()
    let residentAnswer = ResidentAnswer()
    /// No new requests are taken.
    private(set) var isEnding = false

    let blocksWritten, bytesWritten, blocksRead, bytesRead, blocksErased, blocksChecked: Counter
    let refusals, malformedRequests, overloads: Counter

    private var disks: [BlockServiceID: ServedDisk] = [:]
    private var listeners: [TCPListener] = []
    private let connections: AcceptedConnections<BlockConnection>
    private var whenEmpty: (() -> Void)?

    init(_ settings: BlockSettings, on daemon: Daemon) {
        self.settings = settings
        loop = daemon.loop
        logger = daemon.logger
        rules = RequestRules(eraseDelayNanoseconds: settings.eraseDelayNanoseconds)
        connections = AcceptedConnections(on: daemon.loop, settings.connections)
        let counters = daemon.counters
        blocksWritten = counters.counter("blocks_written_total")
        bytesWritten = counters.counter("blocks_written_bytes_total")
        blocksRead = counters.counter("blocks_read_total")
        bytesRead = counters.counter("blocks_read_bytes_total")
        blocksErased = counters.counter("blocks_erased_total")
        blocksChecked = counters.counter("blocks_checked_total")
        refusals = counters.counter("requests_refused_total")
        overloads = counters.counter("requests_overload_total")
        malformedRequests = counters.counter("requests_malformed_total")
        let gaveWay = counters.counter("connections_given_way_total")
        connections.onShortage = { gaveWay.add() }
    }

    /// Listens on all addresses; returns them with the ports the kernel chose.
    func listen(serving disks: [ServedDisk]) throws(SystemError) -> [SocketAddress] {
        for disk in disks { self.disks[disk.id] = disk }
        for address in settings.addresses {
            listeners.append(
                try TCPListener(
                    on: loop, binding: address, admission: connections,
                    onDescriptor: { [unowned self] socket, peer in accepted(socket, peer) }))
        }
        return listeners.map(\.localAddress)
    }

    /// The disk of that number; nil when it is unknown or decommissioned.
    func disk(_ id: BlockServiceID) -> ServedDisk? {
        guard let disk = disks[id], !disk.isDead else { return nil }
        return disk
    }

    private func accepted(_ socket: Int32, _ peer: SocketAddress) {
        do {
            connections.insert(try BlockConnection(socket, peer, server: self))
        } catch {
            logger.warning("connection of \(peer): \(error)")
            Glibc.close(socket)
        }
    }

    func connectionClosed(_ connection: BlockConnection) {
        guard connections.remove(connection), connections.count == 0 else { return }
        whenEmpty?()
        whenEmpty = nil
    }

    /// Finishes the requests at work, takes no more, and then calls `done`.
    func end(_ done: @escaping () -> Void) {
        isEnding = true
        for listener in listeners { listener.close() }
        for connection in connections.all { connection.end() }
        if connections.count == 0 { done() } else { whenEmpty = done }
    }
}
