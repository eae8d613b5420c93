import Daemon
import EventLoop
import Metrics
import Protocol

/// The listeners, and what all connections share.
final class RegistryServer {
    /// Longer requests are refused: a block server with thousands of disks needs a third of it.
    static let maximumRequestLength = 1 << 20

    private static let receivedBytesLimit = 64 << 20
    private static let unsentBytesLimit = 256 << 20

    let pipeline: RegistryPipeline
    let access: RegistryAccess
    let loop: EventLoop
    let requests: Counter
    /// Requests refused for want of a proof.
    let unproven: Counter
    private let refused: Counter
    private var listeners: [TCPListener] = []
    private let connections: AcceptedConnections<ServerConnection>
    /// Bytes of unfinished requests of all connections.
    private var receivedBytes = 0
    /// Bytes of answers that the kernel has not taken.
    private var unsentBytes = 0

    /// How often expired connections are looked for. Seldom, so that an idle registry sleeps.
    private static let sweepNanoseconds: UInt64 = 10_000_000_000

    init(
        pipeline: RegistryPipeline, access: RegistryAccess, loop: EventLoop, _ limits: ConnectionLimits,
        counters: Counters
    ) {
        self.pipeline = pipeline
        self.access = access
        unproven = counters.counter("registry_requests_unproven_total")
        self.loop = loop
        requests = counters.counter("registry_requests_total")
        refused = counters.counter("registry_connections_refused_total")
        connections = AcceptedConnections(on: loop, limits, sweepNanoseconds: Self.sweepNanoseconds)
        let gaveWay = counters.counter("registry_connections_given_way_total")
        connections.onShortage = { gaveWay.add() }
    }

    /// Begins to listen; returns the addresses that the kernel gave.
    func listen(on addresses: [SocketAddress]) throws(SystemError) -> [SocketAddress] {
        for address in addresses {
            listeners.append(
                try TCPListener(on: loop, binding: address, admission: connections) { [unowned self] connection in
                    let client = ServerConnection(connection, server: self)
                    connections.insert(client)
                    client.start()
                })
        }
        return listeners.map(\.localAddress)
    }

    func close() {
        for listener in listeners { listener.close() }
        for connection in connections.all { connection.close() }
    }

    // MARK: For the connections

    var requestNanoseconds: UInt64 { connections.limits.requestNanoseconds }

    func isClosed(_ connection: ServerConnection) {
        connections.remove(connection)
    }

    /// The peer does not speak the protocol, or asks for too much.
    func hasRefused(_ connection: ServerConnection) {
        refused.add()
        connection.close()
    }

    /// Accounts for a change of buffered request bytes. When that is too much for all connections together, those give
    /// way whose requests have been coming in for longest: one that is honest takes no time.
    func receivedBytesChanged(by change: Int) {
        receivedBytes += change
        while receivedBytes > Self.receivedBytesLimit, giveWay(\.isReceiving) {}
    }

    /// The same of unsent answer bytes, and of those who do not take theirs.
    func unsentBytesChanged(by change: Int) {
        unsentBytes += change
        while unsentBytes > Self.unsentBytesLimit, giveWay(\.isAnswering) {}
    }

    private func giveWay(_ isMeant: (ServerConnection) -> Bool) -> Bool {
        guard let oldest = connections.all.filter(isMeant).min(by: { $0.since < $1.since }) else { return false }
        hasRefused(oldest)
        return true
    }
}
