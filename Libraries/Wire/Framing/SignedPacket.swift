/// A datagram between servers (wire-protocol.md 3.2): protocol word · request id u64 · [checkpoint u64] · kind u8 ·
/// body · MAC over everything before it. The body stays where it was received.
public struct SignedPacket {
    public var requestID: UInt64
    /// How far the answering shard's log had come; only where the protocol word says so.
    public var checkpoint: UInt64?
    public var kind: UInt8
    public var body: UnsafeRawBufferPointer

    /// Takes a datagram apart after its MAC turned out to be that of its bytes.
    public init(
        _ datagram: UnsafeRawBufferPointer, expecting word: ProtocolWord, key: MACKey
    ) throws(DecodeError) {
        var reader = WireReader(datagram)
        try reader.expect(word)
        guard datagram.count >= MAC.wireSize else { throw .truncated }
        let signed = UnsafeRawBufferPointer(rebasing: datagram.dropLast(MAC.wireSize))
        var signature = WireReader(UnsafeRawBufferPointer(rebasing: datagram.suffix(MAC.wireSize)))
        guard try signature.read(MAC.self) == key.mac(of: signed) else { throw .badSignature }
        var content = WireReader(signed)
        try content.expect(word)
        requestID = try content.read()
        checkpoint = word.hasCheckpoint ? try content.read(UInt64.self) : nil
        kind = try content.read()
        body = content.rest()
    }

    /// Begins a datagram in an empty writer; body and `seal` are to follow. `checkpoint` must be given exactly for the
    /// protocol words that have one.
    public static func writeHeader(
        _ word: ProtocolWord, requestID: UInt64, checkpoint: UInt64? = nil, kind: UInt8, into writer: inout WireWriter
    ) throws(EncodeError) {
        precondition(word.isSigned && writer.count == 0, "a signed packet fills a writer of its own")
        precondition(word.hasCheckpoint == (checkpoint != nil), "a checkpoint where the protocol has none, or none")
        try writer.write(word.rawValue)
        try writer.write(requestID)
        if let checkpoint { try writer.write(checkpoint) }
        try writer.write(kind)
    }

    /// Appends the MAC of everything written so far.
    public static func seal(_ writer: inout WireWriter, key: MACKey) throws(EncodeError) {
        try writer.write(key.mac(of: writer.written))
    }

    /// A whole datagram.
    public static func write(
        _ word: ProtocolWord, requestID: UInt64, checkpoint: UInt64? = nil, kind: UInt8, body: some WireValue,
        key: MACKey, into writer: inout WireWriter
    ) throws(EncodeError) {
        try writeHeader(word, requestID: requestID, checkpoint: checkpoint, kind: kind, into: &writer)
        try body.encode(into: &writer)
        try seal(&writer, key: key)
    }
}
