import Protocol
import ShardCore
import Wire

/// The frame of an answer.
struct ReplyFrame {
    let requestID: UInt64
    /// The key with which the coordinator signed the request, if it comes from there; then the answer is signed, too,
    /// and says how far the log is.
    let signer: MACKey?
    let checkpoint: LogIndex

    /// Writes the answer; returns its length. What does not fit a datagram becomes INTERNAL_ERROR.
    func write(_ reply: ShardReply, into room: UnsafeMutableRawBufferPointer) -> Int {
        do throws(EncodeError) {
            switch reply {
            case .refused(let code): return try write(code, into: room)
            case .response(let response):
                return try write(kind: response.kind.rawValue, into: room) { (writer) throws(EncodeError) in
                    try response.encode(into: &writer)
                }
            }
        } catch {
            // The other cannot happen with the room a socket gives; sending nothing is what is left.
            return (try? write(.internalError, into: room)) ?? 0
        }
    }

    private func write(_ code: ProtocolError, into room: UnsafeMutableRawBufferPointer) throws(EncodeError) -> Int {
        try write(kind: 0, into: room) { (writer) throws(EncodeError) in try code.encode(into: &writer) }
    }

    private func write(
        kind: UInt8, into room: UnsafeMutableRawBufferPointer, _ body: (inout WireWriter) throws(EncodeError) -> Void
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
