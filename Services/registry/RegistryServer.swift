import Daemon
import EventLoop
import Protocol

/// The listeners, and what all connections share.
final class RegistryServer {
    /// Longer requests are refused: a block server with thousands of disks needs a third of it.
    static let maximumRequestLength = 1 << 20

    private static let receivedBytesLimit = 64 << 20
    private static let unsentBytesLimit = 256 << 20

    let log: RegistryLog
    let loop: EventLoop
    let requests: Counter
    private let refused: Counter
    private var listeners: [TCPListener] = []
    private var connections: [ObjectIdentifier: ServerConnection] = [:]
    /// Bytes of unfinished requests of all connections.
    private var receivedBytes = 0
    /// Bytes of answers that the kernel has not taken.
    private var unsentBytes = 0

    init(log: RegistryLog, loop: EventLoop, counters: Counters) {
        self.log = log
        self.loop = loop
        requests = counters.counter("registry_requests_total")
        refused = counters.counter("registry_connections_refused_total")
    }

    /// Begins to listen; returns the addresses that the kernel gave.
    func listen(on addresses: [SocketAddress], maximumConnections: Int) throws(SystemError) -> [SocketAddress] {
        for address in addresses {
            listeners.append(
                try TCPListener(
                    on: loop, binding: address, maximumConnections: max(1, maximumConnections / addresses.count)
                ) { [unowned self] connection in
                    let client = ServerConnection(connection, server: self)
                    connections[ObjectIdentifier(client)] = client
                    client.start()
                })
        }
        return listeners.map(\.localAddress)
    }

    /// Closes the connections that make no progress.
    func sweep() {
        let now = loop.monotonicNanoseconds
        for connection in connections.values where connection.hasExpired(at: now) { connection.close() }
    }

    func close() {
        for listener in listeners { listener.close() }
        for connection in connections.values { connection.close() }
    }

    // MARK: For the connections

    func isClosed(_ connection: ServerConnection) {
        connections[ObjectIdentifier(connection)] = nil
    }

    /// The peer does not speak the protocol, or asks for too much.
    func hasRefused(_ connection: ServerConnection) {
        refused.add()
        connection.close()
    }

    /// Accounts for a change of buffered request bytes; false when that is too much for all connections together.
    func receivedBytesChanged(by change: Int) -> Bool {
        receivedBytes += change
        return receivedBytes <= Self.receivedBytesLimit
    }

    /// Accounts for a change of unsent answer bytes; false when that is too much for all connections together.
    func unsentBytesChanged(by change: Int) -> Bool {
        unsentBytes += change
        return unsentBytes <= Self.unsentBytesLimit
    }
}
