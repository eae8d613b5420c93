/// A datagram between clients and shards or the coordinator (wire-protocol.md 3.1):
/// protocol word · request id u64 · kind u8 · body to the end.
///
/// A response repeats the request's id and kind, or has kind 0 and an error code as its body. The body stays where it
/// was received.
@frozen
public struct PlainPacket {
    /// The size in bytes of what precedes the body.
    public static let headerSize = 13

    public var requestID: UInt64
    public var kind: UInt8
    public var body: UnsafeRawBufferPointer

    /// Takes a datagram apart. Whether the body suits the kind is the message decoder's business.
    @inlinable
    public init(_ datagram: UnsafeRawBufferPointer, expecting word: ProtocolWord) throws(DecodeError) {
        var reader = WireReader(datagram)
        try reader.expect(word)
        let header = try reader.take(9)
        requestID = UInt64(loading: header)
        kind = UInt8(loading: header + 8)
        body = reader.rest()
    }

    /// Begins a datagram; the body is to be written after it.
    @inlinable
    public static func writeHeader(
        _ word: ProtocolWord, requestID: UInt64, kind: UInt8, into writer: inout WireWriter
    ) throws(EncodeError) {
        let header = try writer.take(headerSize)
        word.rawValue.store(to: header)
        requestID.store(to: header + 4)
        kind.store(to: header + 12)
    }

    /// A whole datagram.
    @inlinable
    public static func write(
        _ word: ProtocolWord, requestID: UInt64, kind: UInt8, body: some WireValue, into writer: inout WireWriter
    ) throws(EncodeError) {
        try writeHeader(word, requestID: requestID, kind: kind, into: &writer)
        try body.encode(into: &writer)
    }

    /// A whole error response of 15 bytes.
    @inlinable
    public static func writeError(
        _ word: ProtocolWord, requestID: UInt64, code: UInt16, into writer: inout WireWriter
    ) throws(EncodeError) {
        try write(word, requestID: requestID, kind: 0, body: code, into: &writer)
    }
}
