import Client
import EventLoop
import Protocol

/// A client's socket: makes messages of datagrams, and datagrams of messages, and shows both to the witness.
final class SimulatedPort: DatagramPort {
    var onDatagram: ((UnsafeRawBufferPointer, SocketAddress) -> Void)?

    private let endpoint: Endpoint
    private unowned let cluster: SimulatedCluster
    private let witness: RequestWitness

    init(_ endpoint: Endpoint, _ cluster: SimulatedCluster, _ witness: RequestWitness) {
        self.endpoint = endpoint
        self.cluster = cluster
        self.witness = witness
    }

    func send(_ packet: [UInt8], to server: SocketAddress) throws(SystemError) {
        guard let message = packet.withUnsafeBytes({ Message($0) }) else {
            return cluster.world.find("\(endpoint) sends what nobody can read")
        }
        let receiver = cluster.addresses.endpoint(at: server)
        let copies = receiver.map { cluster.network.send(message, from: endpoint, to: $0) } ?? 0
        if receiver == nil { cluster.world.faults.undelivered += 1 }
        witness.sent(message, copies: copies)
    }

    func forgetRoute(to server: SocketAddress) {}

    func close() { onDatagram = nil }

    /// Takes an answer from the network.
    func receive(_ message: Message, from sender: Endpoint) {
        guard let address = cluster.addresses.address(of: sender) else { return }
        witness.answered(message)
        do throws(EncodeError) {
            let datagram = try message.datagram()
            datagram.withUnsafeBytes { onDatagram?($0, address) }
        } catch {
            cluster.world.find("an answer that cannot be written: \(error)")
        }
    }
}
