import Client
import EventLoop
import Protocol
import Wire

/// Asks every replica of the shards and of the coordinator how it is.
final class ReplicaSurvey {
    /// A replica that the registry knows.
    struct Row: Sendable {
        let group: GroupNumber
        let replica: ReplicaID
        let address: SocketAddress
    }

    /// What a replica says, if it does.
    struct Answer: Sendable {
        let group: GroupNumber
        let replica: ReplicaID
        let status: ReplicaStatus?
    }

    private static let attempts = 5
    private static let pauseNanoseconds: UInt64 = 200_000_000

    private let rows: [Row]
    private var statuses: [UInt64: ReplicaStatus] = [:]

    init(_ rows: [Row]) { self.rows = rows }

    /// Blocks, for a second at most.
    func answers() throws -> [Answer] {
        let loop = try EventLoop()
        defer { loop.close() }
        let socket = try UDPSocket(on: loop, binding: SocketAddress(address: 0, port: 0))
        defer { socket.close() }
        socket.onDatagram = { [unowned self] datagram, _ in
            take(datagram)
            if statuses.count == rows.count { loop.stop() }
        }
        ask(socket, on: loop, attempt: 0)
        loop.run()
        return rows.enumerated().map { number, row in
            Answer(group: row.group, replica: row.replica, status: statuses[UInt64(number) + 1])
        }
    }

    private func ask(_ socket: UDPSocket, on loop: EventLoop, attempt: Int) {
        guard attempt < Self.attempts, statuses.count < rows.count else { return loop.stop() }
        for (number, row) in rows.enumerated() where statuses[UInt64(number) + 1] == nil {
            socket.send(to: row.address) { room in Self.write(UInt64(number) + 1, to: row.group, into: room) }
        }
        loop.timer(afterNanoseconds: Self.pauseNanoseconds) { [self] in ask(socket, on: loop, attempt: attempt + 1) }
    }

    private static func write(_ id: UInt64, to group: GroupNumber, into room: UnsafeMutableRawBufferPointer) -> Int {
        var writer = WireWriter(room)
        do throws(EncodeError) {
            if group == .coordinator {
                try PlainPacket.write(.cdcRequest, requestID: id, request: CdcReplicaStatusRequest(), into: &writer)
            } else {
                try PlainPacket.write(.shardRequest, requestID: id, request: ShardReplicaStatusRequest(), into: &writer)
            }
            return writer.count
        } catch {
            preconditionFailure("a request without fields does not fit into a datagram")
        }
    }

    private func take(_ datagram: UnsafeRawBufferPointer) {
        guard let (id, status) = Self.status(in: datagram), id >= 1, id <= UInt64(rows.count) else { return }
        statuses[id] = status
    }

    /// Nil of what is no answer, or a refusal.
    private static func status(in datagram: UnsafeRawBufferPointer) -> (id: UInt64, status: ReplicaStatus)? {
        if let packet = try? PlainPacket(datagram, expecting: .shardResponse) {
            let answer = try? ShardReplicaStatusRequest.decodeReply(kind: packet.kind, body: packet.body).get()
            return answer.map { (packet.requestID, $0.status) }
        }
        guard let packet = try? PlainPacket(datagram, expecting: .cdcResponse) else { return nil }
        let answer = try? CdcReplicaStatusRequest.decodeReply(kind: packet.kind, body: packet.body).get()
        return answer.map { (packet.requestID, $0.status) }
    }
}
