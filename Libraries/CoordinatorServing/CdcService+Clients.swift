import CoordinatorCore
import EventLoop
import Protocol

extension RequestOrigin {
    /// Socket number in bits 63...48, IPv4 address in 47...16, port in 15...0.
    init(_ sender: SocketAddress, socket: Int, requestID: UInt64) {
        self.init(
            source: UInt64(socket) << 48 | UInt64(sender.address) << 16 | UInt64(sender.port), requestID: requestID)
    }

    var socket: Int { Int(source >> 48) }

    var address: SocketAddress {
        SocketAddress(
            address: UInt32(truncatingIfNeeded: source >> 16), port: UInt16(truncatingIfNeeded: source))
    }
}

extension CdcService {
    /// Whatever is not a whole, known request is dropped without an answer (wire-protocol.md 3.3).
    func receiveFromClient(_ datagram: UnsafeRawBufferPointer, _ sender: SocketAddress, socket: Int) {
        do throws(DecodeError) {
            let (packet, isProven) = try open(datagram)
            guard let kind = CdcKind(rawValue: packet.kind) else { throw .unknownKind }
            var reader = WireReader(packet.body)
            let request = try AnyCdcRequest.decode(kind: kind, from: &reader)
            try reader.finish()
            let origin = RequestOrigin(sender, socket: socket, requestID: packet.requestID)
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
        let origin = reply.origin
        // A transaction of an earlier run may have come in through a socket we do not have any more.
        guard clientSockets.indices.contains(origin.socket) else { return }
        clientSockets[origin.socket].send(to: origin.address) { room in
            var writer = WireWriter(room)
            do throws(EncodeError) {
                switch reply.result {
                case .success(let response):
                    try PlainPacket.writeHeader(
                        .cdcResponse, requestID: origin.requestID, kind: response.kind.rawValue, into: &writer)
                    try response.encode(into: &writer)
                case .failure(let error):
                    try PlainPacket.write(.cdcResponse, requestID: origin.requestID, error: error, into: &writer)
                }
                return writer.count
            } catch {
                logger.error("an answer cannot be encoded: \(error)")
                return 0
            }
        }
    }
}
