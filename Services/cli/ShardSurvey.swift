import Client
import EventLoop
import Protocol
import Wire

/// Asks every replica of every shard how it is.
final class ShardSurvey {
    /// A replica that the registry knows, and what it says, if it does.
    struct Answer {
        let shard: ShardID
        let replica: ReplicaID
        let status: ReplicaStatusResponse?
    }

    private static let attempts = 5
    private static let pauseNanoseconds: UInt64 = 200_000_000

    private let replicas: [FullShardInfo]
    private var statuses: [UInt64: ReplicaStatusResponse] = [:]

    /// - Parameter rows: what the registry knows.
    init(_ rows: [FullShardInfo]) { replicas = rows.filter { $0.addrs.addr1.port != 0 } }

    /// Blocks, for a second at most.
    func answers() throws -> [Answer] {
        let loop = try EventLoop()
        defer { loop.close() }
        let socket = try UDPSocket(on: loop, binding: SocketAddress(address: 0, port: 0))
        defer { socket.close() }
        socket.onDatagram = { [unowned self] datagram, _ in
            take(datagram)
            if statuses.count == replicas.count { loop.stop() }
        }
        ask(socket, on: loop, attempt: 0)
        loop.run()
        return replicas.enumerated().map { number, row in
            Answer(shard: row.id.shard, replica: row.id.replica, status: statuses[UInt64(number) + 1])
        }
    }

    private func ask(_ socket: UDPSocket, on loop: EventLoop, attempt: Int) {
        guard attempt < Self.attempts, statuses.count < replicas.count else { return loop.stop() }
        for (number, row) in replicas.enumerated() where statuses[UInt64(number) + 1] == nil {
            socket.send(to: SocketAddress(row.addrs.addr1)) { room in
                var writer = WireWriter(room)
                let id = UInt64(number) + 1
                guard
                    (try? PlainPacket.write(
                        .shardRequest, requestID: id, request: ReplicaStatusRequest(), into: &writer)) != nil
                else { return 0 }
                return writer.count
            }
        }
        loop.timer(afterNanoseconds: Self.pauseNanoseconds) { [self] in ask(socket, on: loop, attempt: attempt + 1) }
    }

    private func take(_ datagram: UnsafeRawBufferPointer) {
        guard let packet = try? PlainPacket(datagram, expecting: .shardResponse),
            let status = try? ReplicaStatusRequest.decodeReply(kind: packet.kind, body: packet.body).get(),
            (1...UInt64(replicas.count)).contains(packet.requestID)
        else { return }
        statuses[packet.requestID] = status
    }
}
