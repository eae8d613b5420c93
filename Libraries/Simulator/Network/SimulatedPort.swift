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
        guard let message = packet.withUnsafeBytes({ Self.request(in: $0) }) else {
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
            let datagram = try Self.datagram(of: message)
            datagram.withUnsafeBytes { onDatagram?($0, address) }
        } catch {
            cluster.world.find("an answer that cannot be written: \(error)")
        }
    }

    private static func request(in datagram: UnsafeRawBufferPointer) -> Message? {
        guard let word = ProtocolWord(of: datagram), let packet = try? PlainPacket(datagram, expecting: word)
        else { return nil }
        switch word {
        case .shardRequest:
            guard let request = try? AnyShardRequest.decode(kind: packet.kind, body: packet.body) else { return nil }
            return Message(id: packet.requestID, body: .shardRequest(request))
        case .cdcRequest:
            guard let request = try? AnyCdcRequest.decode(kind: packet.kind, body: packet.body) else { return nil }
            return Message(id: packet.requestID, body: .coordinatorRequest(request))
        default: return nil
        }
    }

    private static func datagram(of message: Message) throws(EncodeError) -> [UInt8] {
        let (word, kind): (ProtocolWord, UInt8)
        let (size, write): (Int, (inout WireWriter) throws(EncodeError) -> Void)
        switch message.body {
        case .shardAnswer(.success(let response)):
            (word, kind, size) = (.shardResponse, response.kind.rawValue, response.encodedSize)
            write = { (writer) throws(EncodeError) in try response.encode(into: &writer) }
        case .coordinatorAnswer(.success(let response)):
            (word, kind, size) = (.cdcResponse, response.kind.rawValue, response.encodedSize)
            write = { (writer) throws(EncodeError) in try response.encode(into: &writer) }
        case .shardAnswer(.failure(let error)):
            (word, kind, size) = (.shardResponse, 0, error.encodedSize)
            write = { (writer) throws(EncodeError) in try error.encode(into: &writer) }
        case .coordinatorAnswer(.failure(let error)):
            (word, kind, size) = (.cdcResponse, 0, error.encodedSize)
            write = { (writer) throws(EncodeError) in try error.encode(into: &writer) }
        default: return []
        }
        return try encodedBytes(capacity: PlainPacket.headerSize + size) { (writer) throws(EncodeError) in
            try PlainPacket.writeHeader(word, requestID: message.id, kind: kind, into: &writer)
            try write(&writer)
        }
    }
}
