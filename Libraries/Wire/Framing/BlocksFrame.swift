/// What precedes the body of a request to a block service (wire-protocol.md 5):
/// protocol word · block service id u64 · kind u8. Bodies have a fixed size that the kind tells.
@frozen
public struct BlocksRequestHeader: Hashable, Sendable {
    public static let size = 13

    /// The block service's number; the typed one is in Protocol.
    public var blockService: UInt64
    public var kind: UInt8

    @inlinable
    public init(blockService: UInt64, kind: UInt8) {
        self.blockService = blockService
        self.kind = kind
    }

    /// Reads the header at the reader's position.
    @inlinable
    public init(from reader: inout WireReader) throws(DecodeError) {
        try reader.expect(.blocksRequest)
        blockService = try reader.read()
        kind = try reader.read()
    }

    @inlinable
    public func encode(into writer: inout WireWriter) throws(EncodeError) {
        try writer.write(ProtocolWord.blocksRequest.rawValue)
        try writer.write(blockService)
        try writer.write(kind)
    }
}

/// What precedes the body of a response from a block service: protocol word · kind u8. Kind 0: the body is an error
/// code.
@frozen
public struct BlocksResponseHeader: Hashable, Sendable {
    public static let size = 5

    public var kind: UInt8

    @inlinable
    public init(kind: UInt8) { self.kind = kind }

    /// Reads the header at the reader's position.
    @inlinable
    public init(from reader: inout WireReader) throws(DecodeError) {
        try reader.expect(.blocksResponse)
        kind = try reader.read()
    }

    @inlinable
    public func encode(into writer: inout WireWriter) throws(EncodeError) {
        try writer.write(ProtocolWord.blocksResponse.rawValue)
        try writer.write(kind)
    }
}
