/// A message on a registry connection (wire-protocol.md 4): protocol word · length u32 of what follows · kind u8 ·
/// body. An error response has kind 0 and a code as its body. The body stays where it was received.
public struct RegistryFrame {
    /// The size in bytes of what precedes the kind.
    public static let prefixSize = 8

    public var kind: UInt8
    public var body: UnsafeRawBufferPointer
    /// The size in bytes of the whole message.
    public var size: Int

    /// The first message in `received`; nil while it is incomplete. A message above `limit` bytes is refused before it
    /// is waited for.
    public init?(
        _ received: UnsafeRawBufferPointer, expecting word: ProtocolWord, limit: Int
    ) throws(DecodeError) {
        var reader = WireReader(received)
        guard reader.remaining >= 4 else { return nil }
        try reader.expect(word)
        guard reader.remaining >= 4 else { return nil }
        let length = Int(try reader.read(UInt32.self))
        guard length >= 1, length <= limit else { throw .invalidValue }
        guard reader.remaining >= length else { return nil }
        size = Self.prefixSize + length
        kind = try reader.read()
        body = try reader.buffer(length - 1)
    }

    /// A whole message.
    public static func write(
        _ word: ProtocolWord, kind: UInt8, body: some WireValue, into writer: inout WireWriter
    ) throws(EncodeError) {
        guard let length = UInt32(exactly: body.encodedSize + 1) else { throw .lengthTooLarge }
        try writer.write(word.rawValue)
        try writer.write(length)
        try writer.write(kind)
        try body.encode(into: &writer)
    }

    /// A whole message in a new array.
    public static func encoded(
        _ word: ProtocolWord, kind: UInt8, body: some WireValue
    ) throws(EncodeError) -> [UInt8] {
        try encodedBytes(capacity: prefixSize + 1 + body.encodedSize) { (writer) throws(EncodeError) in
            try write(word, kind: kind, body: body, into: &writer)
        }
    }
}
