import CoordinatorCore
import EventLoop
import Protocol

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
    /// Whatever is not a whole, known request is dropped without an answer (wire-protocol.md 3.3).
    func handle(_ datagram: UnsafeRawBufferPointer, from sender: SocketAddress, _ way: ClientWay) {
        do throws(DecodeError) {
            let (packet, isProven) = try open(datagram)
            guard let kind = CdcKind(rawValue: packet.kind) else { throw .unknownKind }
            var reader = WireReader(packet.body)
            let request = try AnyCdcRequest.decode(kind: kind, from: &reader)
            try reader.finish()
            let origin = RequestOrigin(sender, requestID: packet.requestID)
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
        let way = ways.take(reply.origin) ?? ClientWay(socket: 0, relay: nil)
        if let relay = way.relay { return sendBack(reply, through: way.socket, of: relay) }
        guard clientSockets.indices.contains(Int(way.socket)) else { return }
        clientSockets[Int(way.socket)].send(to: reply.origin.address) { room in write(reply, into: room) }
    }

    /// Writes the packet of an answer; returns its length.
    func write(_ reply: ClientReply, into room: UnsafeMutableRawBufferPointer) -> Int {
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
