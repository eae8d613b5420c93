/// A request of somebody who shows that he knows a key: a PlainPacket under another protocol word, behind it the time
/// of its making in nanoseconds, and the MAC over all of that. The answer is that of a plain request.
public struct ProvenPacket {
    /// The size in bytes of what follows the body.
    public static let trailerSize = 8 + MAC.wireSize

    public var packet: PlainPacket
    /// By the sender's clock, nanoseconds since the epoch.
    public var time: UInt64

    /// Takes a datagram apart after its MAC turned out to be that of its bytes.
    public init(
        _ datagram: UnsafeRawBufferPointer, expecting word: ProtocolWord, key: MACKey
    ) throws(DecodeError) {
        guard datagram.count >= PlainPacket.headerSize + Self.trailerSize else { throw .truncated }
        let signed = UnsafeRawBufferPointer(rebasing: datagram.dropLast(MAC.wireSize))
        var signature = WireReader(UnsafeRawBufferPointer(rebasing: datagram.suffix(MAC.wireSize)))
        guard try signature.read(MAC.self) == key.mac(of: signed) else { throw .badSignature }
        packet = try PlainPacket(UnsafeRawBufferPointer(rebasing: signed.dropLast(8)), expecting: word)
        var end = WireReader(UnsafeRawBufferPointer(rebasing: signed.suffix(8)))
        time = try end.read()
    }

    /// A whole datagram, in a writer of its own.
    public static func write(
        _ word: ProtocolWord, requestID: UInt64, kind: UInt8, body: some WireValue, time: UInt64, key: MACKey,
        into writer: inout WireWriter
    ) throws(EncodeError) {
        precondition(writer.count == 0, "a proven packet fills a writer of its own")
        try PlainPacket.write(word, requestID: requestID, kind: kind, body: body, into: &writer)
        try writer.write(time)
        try writer.write(key.mac(of: writer.written))
    }
}
