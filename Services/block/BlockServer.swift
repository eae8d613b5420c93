import Daemon
import EventLoop
import Glibc
import Logging
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
    private var connections: [ObjectIdentifier: (BlockConnection, TCPListener)] = [:]
    private var whenEmpty: (() -> Void)?
    private var sweep: LoopTimer?

    private static let sweepNanoseconds: UInt64 = 2_000_000_000

    init(_ settings: BlockSettings, on daemon: Daemon) {
        self.settings = settings
        loop = daemon.loop
        logger = daemon.logger
        rules = RequestRules(eraseDelayNanoseconds: settings.eraseDelayNanoseconds)
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
    }

    /// Listens on all addresses; returns them with the ports the kernel chose.
    func listen(serving disks: [ServedDisk]) throws(SystemError) -> [SocketAddress] {
        for disk in disks { self.disks[disk.id] = disk }
        for address in settings.addresses {
            // The listener is known only after it is made; it accepts later, on the loop.
            var listener: TCPListener?
            listener = try TCPListener(
                on: loop, binding: address, maximumConnections: settings.maximumConnections,
                onDescriptor: { [unowned self] socket, peer in
                    guard let listener else { return }
                    accepted(socket, peer, by: listener)
                })
            if let listener { listeners.append(listener) }
        }
        return listeners.map(\.localAddress)
    }

    /// The disk of that number; nil when it is unknown or decommissioned.
    func disk(_ id: BlockServiceID) -> ServedDisk? {
        guard let disk = disks[id], !disk.isDead else { return nil }
        return disk
    }

    private func accepted(_ socket: Int32, _ peer: SocketAddress, by listener: TCPListener) {
        do {
            let connection = try BlockConnection(socket, peer, server: self)
            connections[ObjectIdentifier(connection)] = (connection, listener)
            startSweeping()
        } catch {
            logger.warning("connection of \(peer): \(error)")
            Glibc.close(socket)
            listener.descriptorClosed()
        }
    }

    func connectionClosed(_ connection: BlockConnection) {
        guard let (_, listener) = connections.removeValue(forKey: ObjectIdentifier(connection)) else { return }
        listener.descriptorClosed()
        guard connections.isEmpty else { return }
        sweep?.cancel()
        sweep = nil
        whenEmpty?()
        whenEmpty = nil
    }

    /// Looks for connections past their deadline, as long as there are any.
    private func startSweeping() {
        guard sweep == nil else { return }
        sweep = loop.timer(afterNanoseconds: Self.sweepNanoseconds, repeatingNanoseconds: Self.sweepNanoseconds) {
            [unowned self] in
            let now = loop.monotonicNanoseconds
            for (connection, _) in Array(connections.values) { connection.expire(at: now) }
        }
    }

    /// Finishes the requests at work, takes no more, and then calls `done`.
    func end(_ done: @escaping () -> Void) {
        isEnding = true
        for listener in listeners { listener.close() }
        for (connection, _) in Array(connections.values) { connection.end() }
        if connections.isEmpty { done() } else { whenEmpty = done }
    }
}
