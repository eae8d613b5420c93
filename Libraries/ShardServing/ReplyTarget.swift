import EventLoop
import Protocol
import Wire

/// Where the answer to a request goes, and in which frame.
struct ReplyTarget {
    let socket: UDPSocket
    let sender: SocketAddress
    let requestID: UInt64
    /// The key with which the coordinator signed the request, if it comes from there; then the answer is signed, too, and
    /// says how far the log is.
    var signer: MACKey?

    var isSigned: Bool { signer != nil }

    /// What tells a repetition of a request from another one.
    struct Identity: Hashable {
        let requestID: UInt64
        let sender: SocketAddress
    }

    /// With request id 0 no client waits for the answer to a write, and no two requests are the same one
    /// (wire-protocol.md 3.3).
    var isAwaited: Bool { isSigned || requestID != 0 }

    var identity: Identity { Identity(requestID: requestID, sender: sender) }

    /// Puts the answer into the outgoing batch. What does not fit a datagram becomes INTERNAL_ERROR.
    func send(kind: UInt8, checkpoint: LogIndex, _ body: (inout WireWriter) throws(EncodeError) -> Void) {
        socket.send(to: sender) { room in
            do throws(EncodeError) {
                return try write(kind, checkpoint, into: room, body)
            } catch {
                return failure(checkpoint, into: room)
            }
        }
    }

    func send(error: ProtocolError, checkpoint: LogIndex) {
        send(kind: 0, checkpoint: checkpoint) { (writer) throws(EncodeError) in
            try error.encode(into: &writer)
        }
    }

    private func failure(_ checkpoint: LogIndex, into room: UnsafeMutableRawBufferPointer) -> Int {
        do throws(EncodeError) {
            return try write(0, checkpoint, into: room) { (writer) throws(EncodeError) in
                try ProtocolError.internalError.encode(into: &writer)
            }
        } catch {
            return 0  // unreachable with the room a socket gives; sending nothing is what is left
        }
    }

    private func write(
        _ kind: UInt8, _ checkpoint: LogIndex, into room: UnsafeMutableRawBufferPointer,
        _ body: (inout WireWriter) throws(EncodeError) -> Void
    ) throws(EncodeError) -> Int {
        var writer = WireWriter(room)
        if let signer {
            try SignedPacket.writeHeader(
                .cdcToShardResponse, requestID: requestID, checkpoint: checkpoint.rawValue, kind: kind, into: &writer)
            try body(&writer)
            try SignedPacket.seal(&writer, key: signer)
        } else {
            try PlainPacket.writeHeader(.shardResponse, requestID: requestID, kind: kind, into: &writer)
            try body(&writer)
        }
        return writer.count
    }
}
