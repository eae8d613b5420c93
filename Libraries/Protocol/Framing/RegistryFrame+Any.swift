import Wire

extension RegistryFrame {
    /// A whole request of any kind in a new array.
    public static func encoded(_ request: AnyRegistryRequest) throws(EncodeError) -> [UInt8] {
        try encoded(.registryRequest, kind: request.kind.rawValue, size: request.encodedSize) {
            (writer) throws(EncodeError) in try request.encode(into: &writer)
        }
    }

    /// A whole response of any kind in a new array.
    public static func encoded(_ reply: Result<AnyRegistryResponse, ProtocolError>) throws(EncodeError) -> [UInt8] {
        switch reply {
        case .failure(let error): try encoded(error: error)
        case .success(let response):
            try encoded(.registryResponse, kind: response.kind.rawValue, size: response.encodedSize) {
                (writer) throws(EncodeError) in try response.encode(into: &writer)
            }
        }
    }

    private static func encoded(
        _ word: ProtocolWord, kind: UInt8, size: Int, _ body: (inout WireWriter) throws(EncodeError) -> Void
    ) throws(EncodeError) -> [UInt8] {
        guard let length = UInt32(exactly: size + 1) else { throw .lengthTooLarge }
        return try encodedBytes(capacity: prefixSize + size + 1) { (writer) throws(EncodeError) in
            try writer.write(word.rawValue)
            try writer.write(length)
            try writer.write(kind)
            try body(&writer)
        }
    }

    /// The request at the beginning of what was received, and how long it is; nil while it is incomplete. One above
    /// `limit` bytes is refused before it is waited for.
    public static func firstRequest(
        in received: UnsafeRawBufferPointer, limit: Int
    ) throws(DecodeError) -> (request: AnyRegistryRequest, size: Int)? {
        guard let frame = try RegistryFrame(received, expecting: .registryRequest, limit: limit) else { return nil }
        return (try AnyRegistryRequest.decode(kind: frame.kind, body: frame.body), frame.size)
    }

    /// A whole reply.
    public static func reply(
        in message: UnsafeRawBufferPointer
    ) throws(DecodeError) -> Result<AnyRegistryResponse, ProtocolError> {
        guard let frame = try RegistryFrame(message, expecting: .registryResponse, limit: message.count),
            frame.size == message.count
        else { throw .truncated }
        if frame.kind == 0 { return .failure(try ProtocolError(decoding: frame.body)) }
        return .success(try AnyRegistryResponse.decode(kind: frame.kind, body: frame.body))
    }
}
