import Wire

/// A request of any service, and how its answer is told from an error.
public protocol RPC: WireValue, Hashable {
    associatedtype Response: WireValue & Hashable
    /// The kind byte of request and response.
    static var kindByte: UInt8 { get }
}

extension RPC {
    /// What a response's kind and body say: the response, or the error when the kind is 0.
    @inlinable
    public static func decodeReply(
        kind: UInt8, body: UnsafeRawBufferPointer
    ) throws(DecodeError) -> Result<Response, ProtocolError> {
        switch kind {
        case 0: .failure(try ProtocolError(decoding: body))
        case kindByte: .success(try Response(decoding: body))
        default: throw .unknownKind
        }
    }
}

extension PlainPacket {
    /// A whole request datagram.
    @inlinable
    public static func write(
        _ word: ProtocolWord, requestID: UInt64, request: some RPC, into writer: inout WireWriter
    ) throws(EncodeError) {
        try write(word, requestID: requestID, kind: type(of: request).kindByte, body: request, into: &writer)
    }

    /// A whole error response.
    @inlinable
    public static func write(
        _ word: ProtocolWord, requestID: UInt64, error: ProtocolError, into writer: inout WireWriter
    ) throws(EncodeError) {
        try write(word, requestID: requestID, kind: 0, body: error, into: &writer)
    }
}

extension RegistryFrame {
    /// A whole request in a new array.
    public static func encoded(request: some RegistryRPC) throws(EncodeError) -> [UInt8] {
        try encoded(.registryRequest, kind: type(of: request).kindByte, body: request)
    }

    /// A whole response in a new array.
    public static func encoded<Request: RegistryRPC>(
        response: Request.Response, to request: Request.Type
    ) throws(EncodeError) -> [UInt8] {
        try encoded(.registryResponse, kind: Request.kindByte, body: response)
    }

    /// A whole error response in a new array.
    public static func encoded(error: ProtocolError) throws(EncodeError) -> [UInt8] {
        try encoded(.registryResponse, kind: 0, body: error)
    }
}
