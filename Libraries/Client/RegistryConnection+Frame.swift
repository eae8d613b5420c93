import Protocol

/// The registry's TCP framing (wire-protocol.md 4): protocol word u32, length u32, kind u8, body; the length counts
/// kind and body.
enum RegistryFrame {
    private static let requestWord: UInt32 = 0x0055_4853
    private static let responseWord: UInt32 = 0x0155_4853

    /// Bytes before the kind.
    static let headerSize = 8

    /// A whole request.
    static func encodedRequest<Request: RegistryRPC>(_ request: Request) throws(EncodeError) -> [UInt8] {
        let body = try request.encoded()
        var header = [UInt8](repeating: 0, count: headerSize + 1)
        header.withUnsafeMutableBytes { bytes in
            bytes.storeBytes(of: requestWord.littleEndian, as: UInt32.self)
            bytes.storeBytes(of: UInt32(body.count + 1).littleEndian, toByteOffset: 4, as: UInt32.self)
            bytes[headerSize] = Request.kind.rawValue
        }
        return header + body
    }

    /// What follows a response's header, in bytes; nil when the header is not one. `bytes` holds a header at least.
    static func responseLength(_ bytes: UnsafeRawBufferPointer) -> Int? {
        guard UInt32(littleEndian: bytes.loadUnaligned(as: UInt32.self)) == responseWord else { return nil }
        return Int(UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: 4, as: UInt32.self)))
    }
}
