import Consensus
import EventLoop
import Protocol
import Replicas
import ShardCore

// A replica that does not lead passes on what clients send it, once, and the answers back (design R10): so clients that
// know of one address, or of an old one, are served. Everything in a datagram is for the leader to judge.
extension ShardServer {
    /// Whether a datagram asks for what the replica itself knows.
    static func isForReplica(_ datagram: UnsafeRawBufferPointer) -> Bool {
        guard let packet = try? PlainPacket(datagram, expecting: .shardRequest) else { return false }
        return packet.kind == ShardKind.shardReplicaStatus.rawValue
    }

    /// To whoever leads.
    func relay(_ datagram: UnsafeRawBufferPointer, _ way: Way, to leader: ReplicaSlot) {
        guard let exchange = environment.exchange else { return }
        environment.counters.relays.add()
        exchange.relay(
            RelayedRequest(of: way.sender, socket: way.socket, in: pipeline.log.id, datagram), to: leader)
    }

    /// From the replica that it came to.
    func receive(_ request: RelayedRequest, from relay: ReplicaSlot) {
        let way = Way(socket: request.socket, sender: request.client, relay: relay)
        request.datagram.withUnsafeBytes { receive($0, way) }
    }

    /// The answer to what was passed on, for the client, which waits for it from the address that it asked.
    func receive(_ answer: RelayedAnswer) {
        guard sockets.indices.contains(Int(answer.socket)), answer.datagram.count <= UDPSocket.maximumDatagramSize
        else {
            return environment.counters.undecodable.add()
        }
        sockets[Int(answer.socket)].send(answer.datagram, to: answer.client)
    }

    /// The answer to what a follower has passed on.
    func sendBack(_ frame: ReplyFrame, _ reply: ShardReply, to source: RequestSource, through relay: ReplicaSlot) {
        let room = UDPSocket.maximumDatagramSize
        let datagram = [UInt8](unsafeUninitializedCapacity: room) { buffer, count in
            count = frame.write(reply, into: UnsafeMutableRawBufferPointer(buffer))
        }
        guard !datagram.isEmpty else { return }
        environment.exchange?.relay(
            RelayedAnswer(to: source.sender, socket: source.socket, in: pipeline.log.id, datagram), to: relay)
    }
}
