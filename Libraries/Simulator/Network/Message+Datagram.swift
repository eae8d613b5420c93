import Protocol

// Messages as the bytes that they are on a real network.
extension Message {
    /// Of the coordinator.
    private static var coordinatorKey: MACKey { MACKey(SecretKey(low: 1, high: 2)) }

    /// A request, or an answer of a shard or the coordinator; nil: nobody can read it.
    init?(_ datagram: UnsafeRawBufferPointer) {
        guard let word = ProtocolWord(of: datagram) else { return nil }
        do throws(DecodeError) {
            switch word {
            case .cdcToShardRequest, .cdcToShardResponse:
                let packet = try SignedPacket(datagram, expecting: word, key: Self.coordinatorKey)
                guard let body = try Self.body(word, packet.kind, packet.body) else { return nil }
                self.init(id: packet.requestID, isSigned: true, body: body)
            default:
                let packet = try PlainPacket(datagram, expecting: word)
                guard let body = try Self.body(word, packet.kind, packet.body) else { return nil }
                self.init(id: packet.requestID, body: body)
            }
        } catch {
            return nil
        }
    }

    private static func body(
        _ word: ProtocolWord, _ kind: UInt8, _ bytes: UnsafeRawBufferPointer
    ) throws(DecodeError) -> Body? {
        switch word {
        case .shardRequest, .cdcToShardRequest:
            .shardRequest(try AnyShardRequest.decode(kind: kind, body: bytes))
        case .cdcRequest: .coordinatorRequest(try AnyCdcRequest.decode(kind: kind, body: bytes))
        case .shardResponse, .cdcToShardResponse:
            .shardAnswer(
                kind == 0
                    ? .failure(try ProtocolError(decoding: bytes))
                    : .success(try AnyShardResponse.decode(kind: kind, body: bytes)))
        case .cdcResponse:
            .coordinatorAnswer(
                kind == 0
                    ? .failure(try ProtocolError(decoding: bytes))
                    : .success(try AnyCdcResponse.decode(kind: kind, body: bytes)))
        default: nil
        }
    }

    /// Its bytes; none of what is no datagram.
    func datagram() throws(EncodeError) -> [UInt8] {
        let (requestWord, responseWord): (ProtocolWord, ProtocolWord) =
            isSigned ? (.cdcToShardRequest, .cdcToShardResponse) : (.shardRequest, .shardResponse)
        switch body {
        case .shardRequest(let request):
            return try packet(requestWord, request.kind.rawValue, request.encodedSize, request.encode)
        case .coordinatorRequest(let request):
            return try packet(.cdcRequest, request.kind.rawValue, request.encodedSize, request.encode)
        case .shardAnswer(.success(let response)):
            return try packet(responseWord, response.kind.rawValue, response.encodedSize, response.encode)
        case .shardAnswer(.failure(let error)): return try packet(responseWord, 0, error.encodedSize, error.encode)
        case .coordinatorAnswer(.success(let response)):
            return try packet(.cdcResponse, response.kind.rawValue, response.encodedSize, response.encode)
        case .coordinatorAnswer(.failure(let error)):
            return try packet(.cdcResponse, 0, error.encodedSize, error.encode)
        default: return []
        }
    }

    private func packet(
        _ word: ProtocolWord, _ kind: UInt8, _ size: Int, _ encode: (inout WireWriter) throws(EncodeError) -> Void
    ) throws(EncodeError) -> [UInt8] {
        try encodedBytes(capacity: Self.largestHeader + size) { (writer) throws(EncodeError) in
            guard isSigned else {
                try PlainPacket.writeHeader(word, requestID: id, kind: kind, into: &writer)
                return try encode(&writer)
            }
            try SignedPacket.writeHeader(
                word, requestID: id, checkpoint: word.hasCheckpoint ? 0 : nil, kind: kind, into: &writer)
            try encode(&writer)
            try SignedPacket.seal(&writer, key: Self.coordinatorKey)
        }
    }

    /// With the checkpoint and the signature of a signed one.
    private static let largestHeader = 64
}
