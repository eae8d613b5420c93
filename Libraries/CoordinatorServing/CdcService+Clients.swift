import CoordinatorCore
import EventLoop
import Protocol
import Replicas

extension RequestOrigin {
    /// IPv4 address in bits 47...16, port in 15...0.
    init(_ sender: SocketAddress, requestID: UInt64) {
        self.init(source: UInt64(sender.address) << 16 | UInt64(sender.port), requestID: requestID)
    }

    var address: SocketAddress {
        SocketAddress(
            address: UInt32(truncatingIfNeeded: source >> 16), port: UInt16(truncatingIfNeeded: source))
    }
}

extension CdcService {
    /// Whether a datagram asks for what the replica itself knows.
    static func isForReplica(_ datagram: UnsafeRawBufferPointer) -> Bool {
        guard let packet = try? PlainPacket(datagram, expecting: .cdcRequest) else { return false }
        return packet.kind == CdcKind.cdcReplicaStatus.rawValue
    }

    /// Whatever is not a whole, known request is dropped without an answer (wire-protocol.md 3.3).
    func handle(_ datagram: UnsafeRawBufferPointer, _ way: ClientWay) {
        do throws(DecodeError) {
            let (packet, isProven) = try open(datagram)
            guard let kind = CdcKind(rawValue: packet.kind) else { throw .unknownKind }
            var reader = WireReader(packet.body)
            let request = try AnyCdcRequest.decode(kind: kind, from: &reader)
            try reader.finish()
            let origin = RequestOrigin(way.client, requestID: packet.requestID)
            ways.note(way, of: origin)
            pipeline.handle(request, from: origin, isProven: isProven)
        } catch {
            metrics.clientDatagramsRefused.add()
        }
    }

    /// A request, and whether it comes from one of the cluster's own programs.
    private func open(_ datagram: UnsafeRawBufferPointer) throws(DecodeError) -> (PlainPacket, isProven: Bool) {
        guard let proofKey, ProtocolWord(of: datagram) == .provenCdcRequest else {
            return (try PlainPacket(datagram, expecting: .cdcRequest), false)
        }
        let proven = try ProvenPacket(datagram, expecting: .provenCdcRequest, key: proofKey)
        return (proven.packet, RequestProof.isCurrent(proven.time, at: loop.wallClock()))
    }

    func send(_ reply: ClientReply) {
        // Of a request that came to an earlier leader its client may have asked here since.
        let way = ways.take(reply.origin) ?? ClientWay(of: reply.origin.address, socket: 0)
        clients.answer(way) { room in write(reply, into: room) }
    }

    /// Writes the packet of an answer; returns its length.
    private func write(_ reply: ClientReply, into room: UnsafeMutableRawBufferPointer) -> Int {
        var writer = WireWriter(room)
        let id = reply.origin.requestID
        do throws(EncodeError) {
            switch reply.result {
            case .success(let response):
                try PlainPacket.writeHeader(.cdcResponse, requestID: id, kind: response.kind.rawValue, into: &writer)
                try response.encode(into: &writer)
            case .failure(let error):
                try PlainPacket.write(.cdcResponse, requestID: id, error: error, into: &writer)
            }
            return writer.count
        } catch {
            logger.error("an answer cannot be encoded: \(error)")
            return 0
        }
    }
}
