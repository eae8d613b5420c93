import Protocol

/// The parts of a plain answer datagram from a shard or the coordinator (wire-protocol.md 3.1).
struct AnswerDatagram {
    let id: UInt64
    /// 0 for an error.
    let kind: UInt8
    let isFromCDC: Bool
    /// Valid as long as the datagram's memory.
    let body: UnsafeRawBufferPointer

    static let kindOffset = 12

    /// nil for anything that is not such an answer.
    init?(_ datagram: UnsafeRawBufferPointer) {
        guard let word = ProtocolWord(of: datagram), word == .shardResponse || word == .cdcResponse,
            let packet = try? PlainPacket(datagram, expecting: word)
        else { return nil }
        id = packet.requestID
        kind = packet.kind
        body = packet.body
        isFromCDC = word == .cdcResponse
    }
}
