/// A value with an encoding on the wire: no tags, no padding, little-endian (wire-protocol.md 1).
public protocol WireValue: Sendable {
    /// The size in bytes with every byte string and list empty; a decoder reserves nothing for a list that
    /// could not fit into what is left of the input.
    static var minimumWireSize: Int { get }

    /// Decodes from the reader's position and advances it. Throws, never traps, whatever the bytes are.
    init(from reader: inout WireReader) throws(DecodeError)

    /// Writes the value at the writer's position and advances it.
    func encode(into writer: inout WireWriter) throws(EncodeError)

    /// The exact number of bytes that `encode` writes.
    var encodedSize: Int { get }
}

extension WireValue {
    /// Decodes a value that fills `bytes` exactly.
    @inlinable
    public init(decoding bytes: UnsafeRawBufferPointer) throws(DecodeError) {
        var reader = WireReader(bytes)
        try self.init(from: &reader)
        try reader.finish()
    }

    /// Decodes a value that fills `bytes` exactly.
    @inlinable
    public init(decoding bytes: [UInt8]) throws(DecodeError) {
        self = try bytes.withUnsafeBytes { (raw) -> Result<Self, DecodeError> in
            do throws(DecodeError) {
                return .success(try Self(decoding: raw))
            } catch {
                return .failure(error)
            }
        }.get()
    }

    /// The value's encoding in a new array. For hot paths use `encode(into:)` and a buffer that lives on.
    @inlinable
    public func encoded() throws(EncodeError) -> [UInt8] {
        try encodedBytes(capacity: encodedSize) { (writer) throws(EncodeError) in
            try encode(into: &writer)
        }
    }
}
